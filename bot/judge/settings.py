"""What can be set of the outside judge."""

from pydantic import Field, ValidationInfo, field_validator

from bot.section import Section, web_address, wrong


class Judge(Section):
    """Who is asked about what the machine is unsure of: an OpenAI-compatible address; nobody unless it is named."""

    url: str = ""
    model: str = Field(default="", validate_default=True)
    per_day: int = Field(default=100, ge=0, le=100_000)

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked."""
        return bool(self.url)

    @field_validator("url")
    @classmethod
    def _web(cls, url: str) -> str:
        if "?" in url or "#" in url:
            raise wrong("the judge's address ends before its ? or #", "Leave out what stands behind it.")
        return web_address(url, "https?", "http://127.0.0.1:11434/v1")

    @field_validator("model")
    @classmethod
    def _named(cls, model: str, info: ValidationInfo) -> str:
        if info.data.get("url") and not model.strip():
            raise wrong("the judge has no model", 'Name the one to ask, such as "llama3.2".')
        return model.strip()
