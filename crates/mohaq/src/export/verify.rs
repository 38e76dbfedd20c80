//! The round trip: an export is run over sequences, and what comes out compared code by code.

use super::code::named;
use super::{ExportError, Name, OnnxProject, Project};
use crate::{Error, Result, atomic};
use mohaq_rt::image::Image;
use mohaq_rt::net::Net;
use std::path::Path;
use std::process::Command;

/// Codes of sequences, one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Sequences<'a> {
    /// `[frames, inputs]`.
    pub codes: &'a [i16],
    /// The first frame of each, and the number of frames.
    pub starts: &'a [usize],
}

/// What an export gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// `[frames that come out, outputs]`.
    pub outputs: Vec<i16>,
    /// Codes that saturated on the way, where they are counted.
    pub saturated: Option<u64>,
}

impl Sequences<'_> {
    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.starts.windows(2).map(|ends| ends[1] - ends[0])
    }

    /// Frames of the longest, 1 at least.
    pub fn longest(&self) -> usize {
        self.lengths().max().unwrap_or(0).max(1)
    }

    /// As the programs read them.
    fn file(&self, inputs: usize) -> Vec<u8> {
        let mut bytes = (self.starts.len() as u32 - 1).to_ne_bytes().to_vec();
        for ends in self.starts.windows(2) {
            bytes.extend((ends[1] as u32 - ends[0] as u32).to_ne_bytes());
            bytes.extend(self.codes[ends[0] * inputs..ends[1] * inputs].iter().flat_map(|code| code.to_ne_bytes()));
        }
        bytes
    }
}

/// What the image in `bytes` gives, read anew.
///
/// # Errors
/// [`ExportError::Image`] for bytes that are none; [`ExportError::Vector`] for codes that it does not take.
pub fn run_image(bytes: &[u8], sequences: Sequences<'_>) -> Result<Verified> {
    let image = Image::parse(bytes).map_err(ExportError::from)?;
    let net = Net::new(image);
    let frames: usize = sequences.lengths().map(|frames| net.output_frames(frames)).sum();
    let mut outputs = vec![0; frames * image.outputs()];
    let mut arena = vec![0; net.run_arena_len(sequences.longest())];
    let count = net.run(sequences.codes, sequences.starts, &mut arena, &mut outputs).map_err(ExportError::Vector)?;
    Ok(Verified { outputs, saturated: Some(count.clipped) })
}

/// What the C of `project`, which is called `name` and takes frames of `inputs` codes, gives: compiled with `cc` in
/// `folder`, and run there.
///
/// # Errors
/// [`ExportError::Program`] where it cannot be compiled or run; [`Error::Io`].
pub fn run_c(
    project: &Project,
    name: &Name,
    inputs: usize,
    sequences: Sequences<'_>,
    cc: &str,
    folder: &Path,
) -> Result<Verified> {
    let files = project.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
    lay_out(files, &sequences.file(inputs), folder)?;
    let run = match project.max_frames {
        Some(_) => WHOLE,
        None => FRAME_BY_FRAME,
    };
    let program = named(&include_str!("c/project/verify.c").replace("@RUN@", run), name);
    atomic::write(&folder.join("verify.c"), program.as_bytes())?;
    let frames = format!("-DVERIFY_FRAMES={}u", sequences.longest());
    let compile = ["-std=c99", "-O2", &frames, "verify.c", "-o", "verify"];
    started(Command::new(cc).args(compile).current_dir(folder), COMPILER)?;
    started(Command::new(folder.join("verify")).args([SEQUENCES, OUTPUTS]).current_dir(folder), COMPILER)?;
    let bytes = outputs(folder)?;
    let Some((codes, saturated)) = bytes.split_last_chunk() else {
        return Err(Error::Record { path: folder.join(OUTPUTS), reason: "expected a counter at the end".into() });
    };
    Ok(Verified { outputs: codes_of(codes), saturated: Some(u64::from_ne_bytes(*saturated)) })
}

/// What the ONNX model of `project`, which is called `name` and takes frames of `inputs` codes, gives: run by `python` in
/// `folder`.
///
/// # Errors
/// [`ExportError::Program`] where it cannot be run; [`Error::Io`].
pub fn run_onnx(
    project: &OnnxProject,
    name: &Name,
    inputs: usize,
    sequences: Sequences<'_>,
    python: &str,
    folder: &Path,
) -> Result<Verified> {
    let files = project.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    lay_out(files, &sequences.file(inputs), folder)?;
    let model = format!("{}.onnx", name.as_str());
    started(Command::new(python).args(["check.py", &model, SEQUENCES, OUTPUTS]).current_dir(folder), PYTHON)?;
    Ok(Verified { outputs: codes_of(&outputs(folder)?), saturated: None })
}

/// Where a program reads sequences, and where it writes what comes out.
const SEQUENCES: &str = "sequences";
const OUTPUTS: &str = "outputs";

/// Writes an export and what it is to run into `folder`.
fn lay_out<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>, sequences: &[u8], folder: &Path) -> Result<()> {
    super::write_folder(files, folder, true)?;
    atomic::write(&folder.join(SEQUENCES), sequences)
}

fn outputs(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join(OUTPUTS);
    std::fs::read(&path).map_err(|e| Error::io(&path, e))
}

fn codes_of(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|&bytes| i16::from_ne_bytes(bytes)).collect()
}

const COMPILER: &str = "a C compiler is needed; CC names another one than `cc`";

const PYTHON: &str = "a Python with onnx, onnxruntime and numpy is needed (pip install), for QONNX also qonnx; MOHAQ_PYTHON names \
                      another one than `python3`";

/// Inside of the C program's loop over sequences, for a stream.
const FRAME_BY_FRAME: &str = "        @NAME@_reset(&net);
        {
            uint32_t frame;

            for (frame = 0u; frame < frames; ++frame) {
                const int16_t *const input = inputs + (frame * @PREFIX@_INPUTS);

                came += (uint32_t)@NAME@_step(&net, input, outputs + (came * @PREFIX@_OUTPUTS));
            }
        }";

/// The same for a network that needs whole sequences.
const WHOLE: &str = "        came = (uint32_t)@NAME@_run(&net, inputs, frames, outputs);";

/// Runs `command`, which must succeed.
fn started(command: &mut Command, needed: &'static str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |said: String| ExportError::Program { program: program.clone(), said, needed };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{}: {}", output.status, errors.trim())).into())
}
