//! `lockstep`: the program. Commands are in the library; this file only starts them.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockstep::cli::main()
}
