"""Errors of the toolkit."""


class ClientError(Exception):
    """The user's code or configuration is at fault."""


class ExecuteUserScriptError(ClientError):
    """The script ended with another status than 0."""

    def __init__(self, cmd: str, return_code: int | None = None, output: str | None = None) -> None:
        self.cmd, self.return_code, self.output = cmd, return_code, output
        super().__init__(cmd, return_code, output)

    def __str__(self) -> str:
        return f'{type(self).__name__}:\nExitCode {self.return_code}\nErrorMessage "{self.output or ""}"\nCommand "{self.cmd}"'


class InstallModuleError(ExecuteUserScriptError):
    """``pip install`` of a Python package failed."""


class InstallRequirementsError(ExecuteUserScriptError):
    """``pip install`` of a file of requirements failed."""


class ImportModuleError(ClientError):
    """A module cannot be imported."""
