//! The entry point: hands over to [`vigie::cli`] and returns its exit code.

fn main() -> std::process::ExitCode {
    vigie::cli::main()
}
