"""The walls: imports run app -> evals -> assistant -> index, each library has one home, nothing unsafe is called."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from conftest import ROOT

LAYERS = ("index", "assistant", "evals", "app")  # each may import itself and those before it
COMMANDS = ("app.py", "*/commands.py", "assistant/*_commands.py", "evals/commands/*", "index/commands/*")
PAGE = ("assistant/page/*",)
OUR_ADAPTER = "evals/peers/adapter_backchannel.py"  # times the imports that come late elsewhere

# Each library's own rooms; `*` also crosses folders. numpy is the vectors' common language.
HOMES: dict[str, tuple[str, ...]] = {
    "faiss": ("index/dense.py", "evals/peers/adapter_llama_index.py"),
    "tantivy": ("index/lexical.py",),
    "pymilvus": ("index/milvus/connection.py",),  # an extra: imported when a server is asked for
    "grpc": ("index/milvus/connection.py",),
    "rapidfuzz": ("index/spelling.py",),
    "spellchecker": ("index/english.py",),
    "regex": ("assistant/excerpts.py", "assistant/shortening.py"),
    "tiktoken": ("index/tokens.py",),
    "nltk": ("index/sentences.py", OUR_ADAPTER),
    "trafilatura": ("index/readers/*",),
    "pypdf": ("index/readers/*",),
    "docx": ("index/readers/*", "assistant/exporting_docx.py"),
    "lxml": ("index/readers/*",),
    "charset_normalizer": ("index/readers/*",),
    "datasketch": ("index/duplicates.py",),
    "threadpoolctl": ("index/mapping.py",),
    "watchfiles": ("index/watching.py",),
    "markdown_it": ("index/readers/*",),
    "yaml": ("index/readers/*",),
    "onnx": ("index/embedding/*",),
    "onnxruntime": ("index/embedding/*", OUR_ADAPTER),
    "tokenizers": ("index/embedding/*", OUR_ADAPTER),
    "torch": ("index/embedding/*",),
    "safetensors": ("index/embedding/*",),
    "sentence_transformers": ("index/embedding/*", "assistant/reranking.py"),
    "transformers": ("index/embedding/*", "assistant/reranking.py"),
    "scipy": ("evals/statistics.py",),
    "ir_measures": ("evals/measures.py",),
    "jinja2": ("evals/report/*",),
    "plotly": ("evals/report/*",),
    "markupsafe": ("evals/report/page.py",),
    "llama_index": ("assistant/writing/*", "assistant/adapters.py", "evals/peers/adapter_llama_index.py"),
    "txtai": ("evals/peers/adapter_txtai.py",),
    "haystack": ("evals/peers/adapter_haystack.py",),
    "haystack_integrations": ("evals/peers/adapter_haystack.py",),
    "gradio": (*PAGE, "evals/bare_chat.py"),  # to measure the page against
    "fastapi": PAGE,
    "mcp": ("assistant/page/mcp_*.py",),  # an extra: imported when a server is asked for
    "httpx": ("assistant/writing/models.py", "evals/page_load.py", "evals/page_memory.py", "evals/page_servers.py"),
    "openai": ("assistant/writing/models.py",),
    "starlette": PAGE,
    "uvicorn": PAGE,
    "prometheus_client": PAGE,
    "nh3": PAGE,
    "playwright": ("evals/page_speed.py",),  # of the extra `test`
    "rich": ("index/progress.py", *COMMANDS, "evals/*"),
    "typer": (*COMMANDS, "evals/cold_start.py", "evals/search_speed.py"),  # benchmarks, run as processes themselves
    "pydantic_settings": ("index/settings.py",),
    "pydantic_core": ("assistant/page/api_types.py",),
    "pydantic": ("*/settings.py", "assistant/conversations.py", *PAGE),
    "numpy": ("*",),
}
HEAVY = {
    "scipy",
    "gradio",
    "ir_measures",
    "llama_index",
    "mcp",
    "nltk",
    "pandas",
    "plotly",
    "pymilvus",
    "rich",
    "sentence_transformers",
    "torch",
    "trafilatura",
    "transformers",
}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "__import__", "builtins.eval", "builtins.exec", "torch.load"} | {
    f"yaml.{name}" for name in ("load", "load_all", "full_load", "unsafe_load", "unsafe_load_all")
}


def broken(path: str, source: str) -> list[str]:
    """`path:line: what` for every wall that the module at `path` breaks."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else [f"{path}:1: the module has no docstring"]
    for line, name in imports(tree):
        found += [f"{path}:{line}: {wall}" for wall in walls(path, name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [f"{path}:{node.lineno}: {what}" for what in unsafe(node)]
    return found + [f"{path}:1: __all__ names {name}, which is not there" for name in unbound(tree)]


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, wherever in the module it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{'.' * node.level}{node.module or ''}.{each.name}") for each in node.names)


def walls(path: str, name: str) -> Iterator[str]:
    """What is wrong with importing `name` in the module at `path`."""
    layer = path.split("/")[0].removesuffix(".py")
    first = name.split(".")[0]
    if name.startswith("."):
        yield f"imports {name}: write imports in full"
    elif first in LAYERS:
        if LAYERS.index(first) > LAYERS.index(layer):
            yield f"imports {name}, but {layer} lies below {first}"
    elif first in UNSAFE_MODULES:
        yield f"imports {first}, which can run what it reads"
    elif first not in sys.stdlib_module_names:
        if first not in HOMES:
            yield f"imports {first}, which has no home: name one in tests/test_layers.py"
        elif not any(fnmatch(path, home) for home in HOMES[first]):
            yield f"imports {first}, whose home is {' and '.join(HOMES[first])}"


def unsafe(call: ast.Call) -> Iterator[str]:
    """What is wrong with a call."""
    name = ast.unparse(call.func)
    if name in UNSAFE_CALLS:
        yield f"calls {name}()"
    keywords = {each.arg: ast.unparse(each.value) for each in call.keywords}
    if name in ("np.load", "numpy.load", "np.save", "numpy.save") and keywords.get("allow_pickle") != "False":
        yield f"calls {name}() without allow_pickle=False"
    if keywords.get("trust_remote_code", "False") != "False":
        yield "passes trust_remote_code"
    if keywords.get("shell", "False") != "False":
        yield "runs a shell"


def unbound(tree: ast.Module) -> list[str]:
    """The names of `__all__` that the module does not define; any may come where it has `__getattr__`."""
    bound: set[str] = set()
    exported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(each.asname or each.name).split(".")[0] for each in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            exported = ast.literal_eval(statement.value)
    return [] if "__getattr__" in bound else sorted(set(exported) - bound)


def modules() -> list[Path]:
    found = [ROOT / "app.py"]
    for layer in LAYERS[:-1]:
        found += sorted((ROOT / layer).rglob("*.py"))
    return found


def test_t4_no_wall_is_broken_and_nothing_unsafe_is_called() -> None:
    found = []
    for path in modules():
        found += broken(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    assert not found, "\n" + "\n".join(found)
    assert len(modules()) > 40, "the walk found the packages"


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        ("index/dense.py", "import assistant.types", "imports assistant.types, but index lies below assistant"),
        ("index/dense.py", "from evals import measures", "but index lies below evals"),
        ("assistant/fusion.py", "from evals.measures import x", "but assistant lies below evals"),
        ("evals/gate.py", "import app", "but evals lies below app"),
        ("index/dense.py", "def f():\n    from app import main", "index lies below app"),
        ("index/store.py", "import faiss", "imports faiss, whose home is index/dense.py"),
        ("index/store.py", "def f():\n    from faiss import x", "imports faiss, whose home is index/dense.py"),
        ("assistant/answering.py", "import llama_index.core", "whose home is assistant/writing/* and assistant/ada"),
        ("assistant/answering.py", "import gradio as gr", "whose home is assistant/page/*"),
        ("index/types.py", "import requests", "imports requests, which has no home"),
        ("index/types.py", "from . import errors", "write imports in full"),
        ("index/types.py", "import pickle", "imports pickle"),
        ("index/types.py", "from joblib import load", "imports joblib"),
        ("index/types.py", "x = eval('1')", "calls eval()"),
        ("index/types.py", "exec('1')", "calls exec()"),
        ("index/readers/markdown.py", "yaml.load(text, Loader)", "calls yaml.load()"),
        ("index/embedding/export.py", "torch.load('x')", "calls torch.load()"),
        ("index/types.py", "np.load('x')", "calls np.load() without allow_pickle=False"),
        ("index/types.py", "np.load('x', allow_pickle=True)", "calls np.load() without allow_pickle=False"),
        ("index/types.py", "Model(trust_remote_code=True)", "passes trust_remote_code"),
        ("index/types.py", "run('ls', shell=True)", "runs a shell"),
        ("index/types.py", "__all__ = ['gone']", "__all__ names gone"),
    ],
)
def test_each_wall_can_fail(path: str, line: str, said: str) -> None:
    """The checker, on made-up modules that break one wall each."""
    (found,) = broken(path, f'"""A module."""\n{line}\n')
    number = 1 if "__all__" in line else 2 + line.count("\n")
    assert found.startswith(f"{path}:{number}: ")
    assert said in found


def test_what_is_allowed_passes() -> None:
    lawful = '"""A module."""\nimport json\nimport numpy as np\nimport index.types\nmodel.eval()\nre.compile("x")\n'
    assert broken("assistant/fusion.py", lawful) == []
    assert broken("index/dense.py", '"""A module."""\nimport faiss\n') == []
    assert broken("index/types.py", "x = 1\n") == ["index/types.py:1: the module has no docstring"]


def test_nothing_heavy_is_imported_at_the_top() -> None:
    """Not by `app`, nor by any module of ours beside those whose whole purpose is the library."""
    at_home = ("assistant/page/*", "assistant/adapters.py", "assistant/writing/*", "evals/measures.py")
    names = []
    for path in modules():
        inside = path.relative_to(ROOT)
        if not any(fnmatch(inside.as_posix(), home) for home in at_home):
            names.append(".".join(inside.with_suffix("").parts).removesuffix(".__init__"))
    script = (
        "import importlib, sys\n"
        f"heavy = {HEAVY!r}\n"
        f"for name in ['app', *{names!r}]:\n"
        "    importlib.import_module(name)\n"
        "    found = sorted(heavy & set(sys.modules))\n"
        "    assert not found, f'import {name} loads {found}'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


def test_every_package_folder_is_in_the_distribution() -> None:
    """The packages are listed by hand in pyproject.toml; a folder forgotten there is missing once installed."""
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.relative_to(ROOT).parent.parts) for path in modules() if path.name == "__init__.py"}
    assert there <= set(listed), sorted(there - set(listed))


def test_no_test_folder_shadows_a_package() -> None:
    """`tests/index` would come first on pytest's path and hide `index`."""
    assert not [path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name in LAYERS]
