//! A network on a machine without operating system and allocator: the image lies in flash, where it is run from, and all memory
//! is two arrays.
//!
//! A start-up code, in Rust or C, links `libfirmware.a` and calls [`firmware_check`]; what reads a sensor calls
//! [`Firmware::frame`] with every frame. The image is what `mohaq export --format image` writes.
#![no_std]

use core::panic::PanicInfo;
use mohaq_rt::image::Image;
use mohaq_rt::net::Net;

/// The network: two layers of LSTMs and a linear one at mixed widths, the case `lstm` of the suite.
static IMAGE: &[u8] = include_bytes!("../network.mohaq");

/// Codes of a frame that goes in, and of one that comes out.
const INPUTS: usize = 6;
const OUTPUTS: usize = 3;
/// Codes that go from frame to frame, and those that a frame needs: [`Net::state_len`] and [`Net::arena_len`].
const STATE: usize = 18;
const ARENA: usize = 100;

/// The network with its memory.
pub struct Firmware {
    net: Net<'static>,
    state: [i16; STATE],
    arena: [i16; ARENA],
}

impl Firmware {
    /// The network before its first frame; `None` where the image is damaged, or not the one that this was written for.
    pub fn new() -> Option<Self> {
        let image = Image::parse(IMAGE).ok()?;
        let net = Net::new(image);
        let fits = net.state_len() == Some(STATE) && net.arena_len() <= ARENA;
        if !fits || (image.inputs(), image.outputs()) != (INPUTS, OUTPUTS) {
            return None;
        }
        Some(Self { net, state: [0; STATE], arena: [0; ARENA] })
    }

    /// The output of the next frame.
    pub fn frame(&mut self, input: &[i16; INPUTS]) -> Option<[i16; OUTPUTS]> {
        let mut output = [0; OUTPUTS];
        let stepped = self.net.step(input, &mut self.state, &mut self.arena, &mut output).ok()?;
        stepped.ready.then_some(output)
    }
}

/// Runs 16 frames and returns the sum of all codes that come out; −1 where the image is not usable.
#[unsafe(no_mangle)]
pub extern "C" fn firmware_check() -> i32 {
    let Some(mut firmware) = Firmware::new() else { return -1 };
    let mut sum = 0_i32;
    for frame in 0..16_i16 {
        let Some(output) = firmware.frame(&[frame * 512 - 4096; INPUTS]) else { return -1 };
        sum += output.iter().map(|&code| i32::from(code).abs()).sum::<i32>();
    }
    sum
}

/// There is nobody to tell.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
