//! Every case as C: compiled by compilers for this machine and for devices, and run.
//!
//! A case at one precision is one file: the network as it is exported, its frames and what the book says of them, and a
//! function that counts differences. All of them are linked into one program.

use super::case::{self, Case, Clipped, Expected};
use mohaq::export::{Name, Project, Settings};
use mohaq::quant::IntegerBank;
use mohaq_rt::image::Image;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// A program that checks every case, as C.
pub(crate) struct Suite {
    /// Files, one a case and precision, by name.
    pub(crate) units: Vec<(String, String)>,
    /// What is said of each.
    pub(crate) places: Vec<String>,
}

impl Suite {
    /// Writes the program for every case of the suite into `folder`, each network's files beside it.
    pub(crate) fn write(folder: &Path) -> Self {
        let (mut units, mut places) = (Vec::new(), Vec::new());
        for case in case::all() {
            for (number, expected) in case.expected.iter().enumerate() {
                let name = format!("c{}_{number}", units.len());
                let project = project(&case, expected, &name);
                for (path, text) in project.files.iter().filter(|(path, _)| is_new(folder, path)) {
                    put(folder, path, text);
                }
                let unit = format!("{name}_case.c");
                put(folder, &unit, &of_case(&case, expected, &name, project.max_frames.is_some()));
                units.push((name, unit));
                places.push(case.place(expected));
            }
        }
        let suite = Self { units, places };
        put(folder, "suite.c", &suite.main());
        suite
    }

    /// The program that calls them all.
    fn main(&self) -> String {
        let mut text = String::from("#include \"device.h\"\n\n");
        for (name, _) in &self.units {
            let _ = writeln!(text, "uint32_t {name}_check(void);");
        }
        text += "\nstatic uint32_t all;\n\nstatic void tell(uint32_t number, uint32_t wrong)\n{\n    all += wrong;\n    \
                 if (wrong != 0u) {\n        device_say(\"case \");\n        device_say_number(number);\n        \
                 device_say(\": \");\n        device_say_number(wrong);\n        device_say(\" differ\\n\");\n    }\n}\n\n\
                 int main(void)\n{\n";
        for (number, (name, _)) in self.units.iter().enumerate() {
            let _ = writeln!(text, "    tell({number}u, {name}_check());");
        }
        text += "    device_say((all == 0u) ? \"equal\\n\" : \"different\\n\");\n    return (all == 0u) ? 0 : 1;\n}\n";
        text
    }

    /// Whether `output` says that every case is equal; else what is not.
    pub(crate) fn judge(&self, output: &Output) -> Result<(), String> {
        // Semihosting speaks on stderr.
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
        if output.status.success() && said.lines().any(|line| line.trim() == "equal") {
            return Ok(());
        }
        let number = |line: &str| line.strip_prefix("case ")?.split(':').next()?.parse::<usize>().ok();
        let wrong: Vec<&str> = said.lines().filter_map(number).map(|number| self.places[number].as_str()).collect();
        Err(format!("{}: {said}\n{}", output.status, wrong.join("\n")))
    }
}

fn is_new(folder: &Path, path: &str) -> bool {
    // What belongs to no single network is the same in every project.
    !(path == "Makefile" || path == "README.md" || folder.join(path).exists())
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

/// The export of `case` at one precision.
fn project(case: &Case, expected: &Expected, name: &str) -> Project {
    let bank = IntegerBank::new(&case.network, case.calibration.clone()).expect("a calibrated case");
    let bytes = bank.image(&expected.spec).expect("an image");
    let longest = case.batch.starts().windows(2).map(|ends| ends[1] - ends[0]).max().expect("sequences");
    let labels = case.network.description().names();
    let settings = Settings { name: Name::new(name).expect("a name"), labels, max_frames: longest };
    Project::new(Image::parse(&bytes).expect("our own image"), &settings).expect("an export")
}

/// A case as a function that counts differences.
fn of_case(case: &Case, expected: &Expected, name: &str, sequences: bool) -> String {
    let bank = IntegerBank::new(&case.network, case.calibration.clone()).expect("a calibrated case");
    let codes: Vec<i16> = case.batch.features().data().iter().map(|&x| bank.input().code(x).code).collect();
    let lengths: Vec<usize> = case.batch.starts().windows(2).map(|ends| ends[1] - ends[0]).collect();
    let saturated: Vec<u64> = expected.clipped.iter().map(Clipped::total).collect();
    let arrays = [
        array("int16_t", "inputs", &codes),
        array("int16_t", "outputs", &expected.codes),
        array("uint32_t", "lengths", &lengths),
        array("uint32_t", "saturated", &saturated),
    ];
    let template = if sequences { include_str!("c/case_sequence.c") } else { include_str!("c/case_stream.c") };
    template
        .replace("@ARRAYS@", &arrays.concat())
        .replace("@CODES@", &expected.codes.len().to_string())
        .replace("@SEQUENCES@", &lengths.len().to_string())
        .replace("@NAME@", name)
        .replace("@PREFIX@", &name.to_uppercase())
}

fn array<T: ToString>(of: &str, name: &str, numbers: &[T]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("static const {of} {name}[{}] = {{{}}};\n", numbers.len().max(1), numbers.join(","))
}

/// Whether `program` can be started; says so loudly where it cannot.
pub(crate) fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: no `{program}` on this machine");
    }
    there
}

/// Runs `program` with `arguments` in `folder`, which must succeed and say nothing on stderr.
pub(crate) fn quiet(folder: &Path, program: &str, arguments: &[String]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output().map_err(|e| e.to_string())?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {errors}", arguments.join(" ")).chars().take(4000).collect())
}

/// Compiles `files` of `folder` in as many processes as there are cores, some files each; objects lie in `to`.
pub(crate) fn compile(folder: &Path, to: &str, compiler: &str, flags: &str, files: &[String]) -> Vec<PathBuf> {
    let objects = folder.join(to);
    fs::create_dir_all(&objects).expect("a folder");
    let parts: Mutex<Vec<&[String]>> = Mutex::new(files.chunks(16).collect());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(part) = { parts.lock().expect("no panic").pop() } {
            let flags = flags.split_whitespace().map(str::to_owned);
            let sources = part.iter().map(|file| format!("../{file}"));
            let arguments: Vec<String> = flags.chain(["-c".to_owned()]).chain(sources).collect();
            if let Err(failure) = quiet(&objects, compiler, &arguments) {
                failures.lock().expect("no panic").push(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let object = |file: &String| Path::new(file).with_extension("o").file_name().map(PathBuf::from);
    files.iter().filter_map(object).collect()
}

/// What every compiler must be silent at.
pub(crate) const STRICT: &str = "-std=c99 -Wall -Wextra -Wconversion -pedantic";

#[test]
fn exported_c_computes_the_codes_of_the_book_and_nothing_undefined() {
    if !is_there("cc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let suite = Suite::write(folder.path());
    let mut files: Vec<String> = suite.units.iter().map(|(_, unit)| unit.clone()).collect();
    files.extend(["suite.c", "device/host.c", "device/number.c"].map(str::to_owned));
    let sanitized = "-fsanitize=address,undefined -fno-sanitize-recover=all";
    let flags = format!("{STRICT} -O1 -I.. -I../device {sanitized}");
    let objects = compile(folder.path(), "objects", "cc", &flags, &files);
    let objects = objects.iter().map(|object| object.display().to_string());
    let link = sanitized.split(' ').map(str::to_owned).chain(objects).chain(["-o".to_owned(), "suite".to_owned()]);
    quiet(&folder.path().join("objects"), "cc", &link.collect::<Vec<_>>()).expect("linked");
    let output = Command::new(folder.path().join("objects/suite")).output().expect("started");
    suite.judge(&output).expect("every case");
}

#[test]
fn the_example_firmware_has_the_image_of_a_case() {
    let case = Case::read(&case::folder(), "lstm").expect("a case");
    let bank = IntegerBank::new(&case.network, case.calibration.clone()).expect("a calibrated case");
    let image = bank.image(&case.expected[1].spec).expect("an image");
    let file = case::folder().join("../examples/firmware/network.mohaq");
    if std::env::var_os("MOHAQ_WRITE_FIRMWARE").is_some() {
        fs::write(&file, &image).expect("written");
    }
    assert!(fs::read(&file).expect("a file") == image, "written anew with MOHAQ_WRITE_FIRMWARE=1");
}
