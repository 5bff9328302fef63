"""What the program can print, read from its source: every text as a pattern whose variable parts are open."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Sentences:
    """What a module can print: each text in it as a pattern, with its variable parts open."""

    def __init__(self, module: str) -> None:
        self.module = importlib.import_module(module)
        self.tree = ast.parse(Path(str(self.module.__file__)).read_text("utf-8"))
        self.local: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.Assign(targets=[target], value=value):
                    self._note(target, value)
                case ast.For(target=target, iter=ast.Tuple(elts=values)):
                    for value in values:
                        self._note(target, value)

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        """Remember what a name stands for, so far as it is said in one place."""
        match target, value:
            case ast.Name(id=name), _:
                self.local.setdefault(name, []).append(value)
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                for one, each in zip(names, values, strict=True):
                    self._note(one, each)
            case ast.Tuple(elts=names), _:
                for one in names:
                    self._note(one, ast.Tuple([]))

    def __iter__(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call | ast.Constant):
                yield self.pattern(node)

    def pattern(self, node: ast.AST, depth: int = 0) -> str:  # noqa: C901, PLR0911 - one case a form of expression
        match node:
            case ast.Constant(value=str(text)):
                return re.sub("%[sd]", ".*?", re.escape(text))
            case ast.JoinedStr(values=parts):
                return "".join(self.pattern(part, depth) for part in parts)
            case ast.FormattedValue(value=value):
                return self.pattern(value, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.pattern(left, depth) + self.pattern(right, depth)
            case ast.IfExp(body=body, orelse=other):
                return f"(?:{self.pattern(body, depth)}|{self.pattern(other, depth)})"
            case ast.Call(func=ast.Name(id="Problem"), args=[where, what, cure]):
                return rf"{self.pattern(where, depth)}: {self.pattern(what, depth)}\. {self.pattern(cure, depth)}"
            case ast.Name(id=name) if isinstance(known := getattr(self.module, name, None), str):
                return re.escape(known)
            case ast.Name(id=name) if depth < 3 and name in self.local:
                return f"(?:{'|'.join(self.pattern(value, depth + 1) for value in self.local[name])})"
            case ast.Subscript(value=ast.Name(id=name)):
                known = getattr(self.module, name, None)
                if isinstance(known, dict) and all(isinstance(value, str) for value in known.values()):
                    return f"(?:{'|'.join(map(re.escape, known.values()))})"
        return ".*?"


@cache
def printable(platform: str) -> list[re.Pattern[str]]:
    """Every sentence about a platform (empty: any), of which enough is fixed to tell it from others."""
    files = [
        *(ROOT / "connectors").glob(f"{platform}*.py"),
        ROOT / "bot/checks.py",
        ROOT / "bot/environment.py",
        *(ROOT / "bot/live").glob("*.py"),
        *(ROOT / "bot/judge").glob("*.py"),
    ]
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.stem != "__init__"
    ]
    found = {one for module in modules for one in Sentences(module)}
    return [re.compile(one) for one in found if len(re.sub(r"\(\?:.*?\)|\.\*\?|\W", "", one)) > 6]
