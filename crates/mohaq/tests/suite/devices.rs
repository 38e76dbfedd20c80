//! Every case as C on devices as QEMU has them, compiled by the cross compilers of Debian.

use super::exported::{STRICT, Suite, compile, is_there, quiet};
use std::path::Path;
use std::process::Command;

/// What compiles for a device, and the machines of QEMU that run it.
struct Target {
    name: &'static str,
    compiler: &'static str,
    flags: &'static str,
    /// In `device/`.
    files: [&'static str; 2],
    machines: &'static [&'static str],
}

const TARGETS: [Target; 4] = [
    Target {
        name: "cortex-m4",
        compiler: "arm-none-eabi-gcc",
        flags: "-mcpu=cortex-m4 -mthumb -mfloat-abi=soft",
        files: ["cortex_m.c", "cortex_m.ld"],
        machines: ["qemu-system-arm -machine mps2-an386 -semihosting-config enable=on,target=native"].as_slice(),
    },
    Target {
        name: "cortex-m7, without DSP instructions",
        compiler: "arm-none-eabi-gcc",
        flags: "-mcpu=cortex-m7 -mthumb -mfloat-abi=soft -DSUITE_PORTABLE",
        files: ["cortex_m.c", "cortex_m.ld"],
        machines: [
            "qemu-system-arm -machine mps2-an500 -semihosting-config enable=on,target=native",
            "qemu-system-arm -machine mps2-an386 -semihosting-config enable=on,target=native",
        ]
        .as_slice(),
    },
    Target {
        name: "riscv32",
        compiler: "riscv64-unknown-elf-gcc",
        flags: "-march=rv32imac -mabi=ilp32 -misa-spec=2.2 -mcmodel=medany --specs=picolibc.specs",
        files: ["riscv.c", "riscv.ld"],
        machines: ["qemu-system-riscv32 -machine virt -bios none"].as_slice(),
    },
    Target {
        name: "riscv64",
        compiler: "riscv64-unknown-elf-gcc",
        flags: "-march=rv64imac -mabi=lp64 -misa-spec=2.2 -mcmodel=medany --specs=picolibc.specs",
        files: ["riscv.c", "riscv.ld"],
        machines: ["qemu-system-riscv64 -machine virt -bios none"].as_slice(),
    },
];

impl Target {
    /// Whether compiler and machines are there; says so loudly where one is not.
    fn is_there(&self) -> bool {
        let machines = self.machines.iter().filter_map(|machine| machine.split(' ').next());
        [self.compiler].into_iter().chain(machines).all(is_there)
    }

    /// Compiles and links the suite in `folder`; the program lies beside its objects.
    fn build(&self, folder: &Path, suite: &Suite) {
        let [start, script] = self.files;
        let mut files: Vec<String> = suite.units.iter().map(|(_, unit)| unit.clone()).collect();
        files.extend(["suite.c".to_owned(), "device/number.c".to_owned(), format!("device/{start}")]);
        let flags = format!("{STRICT} -O1 -I.. -I../device {}", self.flags);
        let objects = compile(folder, self.name, self.compiler, &flags, &files);
        let link = format!("{} -nostartfiles -T ../device/{script} -o suite.elf", self.flags);
        let objects = objects.iter().map(|object| object.display().to_string());
        let arguments: Vec<String> = link.split(' ').map(str::to_owned).chain(objects).collect();
        quiet(&folder.join(self.name), self.compiler, &arguments).expect("linked");
    }

    /// Runs it on every machine.
    fn run(&self, folder: &Path, suite: &Suite) {
        for machine in self.machines {
            let mut words = machine.split(' ');
            let mut command = Command::new(words.next().expect("a program"));
            command.args(words).args(["-nographic", "-kernel", "suite.elf"]).current_dir(folder.join(self.name));
            let output = command.stdin(std::process::Stdio::null()).output().expect("started");
            suite.judge(&output).unwrap_or_else(|reason| panic!("{}: {machine}: {reason}", self.name));
        }
    }
}

#[test]
fn exported_c_computes_the_codes_of_the_book_on_every_device() {
    let there: Vec<&Target> = TARGETS.iter().filter(|target| target.is_there()).collect();
    if there.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let suite = Suite::write(folder.path());
    for target in there {
        target.build(folder.path(), &suite);
        target.run(folder.path(), &suite);
    }
}
