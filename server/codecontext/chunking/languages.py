"""Which language a file is in, and which grammar and queries cut it.

To add a language, add a row. If it has definitions, name its grammar and put its query into ``queries/``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table.

    ``extensions`` and ``filenames`` are separated by spaces and compared without regard to case;
    ``interpreters`` are the programs of a ``#!`` line. ``grammar`` is the name in tree_sitter_language_pack,
    empty where files are not parsed. ``queries`` are read one after the other; a language that extends
    another one names the other's first. ``dialect`` says how the files differ from what the grammar is for.
    """

    name: str
    extensions: str = ""
    filenames: str = ""
    interpreters: str = ""
    grammar: str = ""
    queries: tuple[str, ...] = field(default=())
    dialect: str = ""


TEXT = Language("text", "txt text log")

LANGUAGES: tuple[Language, ...] = (
    TEXT,
    # With a grammar.
    Language("ada", "adb ads ada", grammar="ada", queries=("ada",)),
    Language("apex", "apex trigger", grammar="apex", queries=("apex",)),
    Language("astro", "astro", grammar="astro", queries=("html", "astro")),
    Language("bash", "sh bash zsh ksh bats", ".bashrc .bash_profile .zshrc .profile", "sh bash zsh ksh dash",
             "bash", ("bash",)),
    Language("bicep", "bicep bicepparam", grammar="bicep", queries=("bicep",)),
    Language("c", "c h", grammar="c", queries=("c",)),
    Language("clojure", "clj cljs cljc bb edn", grammar="clojure", queries=("clojure",)),
    Language("cmake", "cmake", "cmakelists.txt", grammar="cmake", queries=("cmake",)),
    Language("cpp", "cc cpp cxx c++ hh hpp hxx h++ ipp tpp txx tcc inl ino cu cuh cppm ixx metal", grammar="cpp",
             queries=("c", "cpp")),
    Language("csharp", "cs csx", grammar="csharp", queries=("csharp",)),
    Language("css", "css", grammar="css", queries=("css",)),
    Language("dart", "dart", grammar="dart", queries=("dart",)),
    Language("elixir", "ex exs", interpreters="elixir", grammar="elixir", queries=("elixir",)),
    Language("elm", "elm", grammar="elm", queries=("elm",)),
    Language("emacs-lisp", "el", ".emacs", grammar="elisp", queries=("elisp",)),
    Language("erlang", "erl hrl", interpreters="escript", grammar="erlang", queries=("erlang",)),
    Language("fish", "fish", interpreters="fish", grammar="fish", queries=("fish",)),
    Language("fortran", "f90 f95 f03 f08", grammar="fortran", queries=("fortran",)),
    Language("fsharp", "fs fsx", grammar="fsharp", queries=("fsharp",)),
    Language("gdscript", "gd", grammar="gdscript", queries=("gdscript",)),
    Language("gleam", "gleam", grammar="gleam", queries=("gleam",)),
    Language("glsl", "glsl vert frag geom comp tesc tese", grammar="glsl", queries=("shader",)),
    Language("go", "go", grammar="go", queries=("go",)),
    Language("graphql", "graphql gql graphqls", grammar="graphql", queries=("graphql",)),
    Language("groovy", "groovy gradle gvy", "jenkinsfile", "groovy", "groovy", ("groovy",)),
    Language("haskell", "hs", interpreters="runhaskell", grammar="haskell", queries=("haskell",)),
    Language("haxe", "hx", grammar="haxe", queries=("haxe",)),
    Language("hlsl", "hlsl hlsli fx fxh usf ush", grammar="hlsl", queries=("shader",)),
    Language("html", "html htm xhtml", grammar="html", queries=("html",)),
    Language("java", "java", grammar="java", queries=("java",)),
    Language("javascript", "js mjs cjs jsx es6", "jakefile", "node nodejs bun", "javascript",
             ("javascript", "javascript_fields")),
    Language("jsonnet", "jsonnet libsonnet", grammar="jsonnet", queries=("jsonnet",)),
    Language("julia", "jl", interpreters="julia", grammar="julia", queries=("julia",)),
    Language("kotlin", "kt kts", grammar="kotlin", queries=("kotlin",)),
    Language("lisp", "lisp lsp cl asd", interpreters="sbcl", grammar="commonlisp", queries=("commonlisp",)),
    Language("lua", "lua", interpreters="lua luajit", grammar="lua", queries=("lua",)),
    Language("luau", "luau", grammar="luau", queries=("lua", "luau")),
    Language("make", "mk mak", "makefile gnumakefile", "make", "make", ("make",)),
    Language("matlab", "matlab", grammar="matlab", queries=("matlab",)),
    Language("nim", "nim nims", grammar="nim", queries=("nim",)),
    Language("nix", "nix", grammar="nix", queries=("nix",)),
    Language("objective-c", "m", grammar="objc", queries=("c", "objc")),
    Language("objective-c", "mm", grammar="objc", queries=("c", "objc"), dialect="objective-c++"),
    Language("ocaml", "ml", interpreters="ocaml", grammar="ocaml", queries=("ocaml_interface", "ocaml")),
    Language("ocaml", "mli", grammar="ocaml_interface", queries=("ocaml_interface",)),
    Language("odin", "odin", grammar="odin", queries=("odin",)),
    Language("pascal", "pas dpr lpr", grammar="pascal", queries=("pascal",)),
    Language("perl", "pl pm", interpreters="perl", grammar="perl", queries=("perl",)),
    Language("php", "php phtml php5 inc", interpreters="php", grammar="php", queries=("php",)),
    Language("powershell", "ps1 psm1 psd1", interpreters="pwsh", grammar="powershell", queries=("powershell",)),
    Language("prisma", "prisma", grammar="prisma", queries=("prisma",)),
    Language("protobuf", "proto", grammar="proto", queries=("proto",)),
    Language("puppet", "pp", grammar="puppet", queries=("puppet",)),
    Language("purescript", "purs", grammar="purescript", queries=("purescript",)),
    Language("python", "py pyi pyw bzl star", "sconstruct sconscript wscript build.bazel",
             "python python2 python3 pypy pypy3", "python", ("python",)),
    Language("python", "pyx pxd pxi", grammar="python", queries=("python",), dialect="cython"),
    Language("r", "r", ".rprofile", "rscript", "r", ("r",)),
    Language("racket", "rkt", interpreters="racket", grammar="racket", queries=("scheme",)),
    Language("rego", "rego", grammar="rego", queries=("rego",)),
    Language("ruby", "rb rake gemspec ru podspec jbuilder",
             "rakefile gemfile vagrantfile guardfile podfile fastfile brewfile", "ruby", "ruby", ("ruby",)),
    Language("rust", "rs", grammar="rust", queries=("rust",)),
    Language("scala", "scala sc sbt", interpreters="scala", grammar="scala", queries=("scala",)),
    Language("scheme", "scm ss sld", interpreters="guile", grammar="scheme", queries=("scheme",)),
    Language("scss", "scss", grammar="scss", queries=("css", "scss")),
    Language("solidity", "sol", grammar="solidity", queries=("solidity",)),
    Language("sql", "sql ddl dml pgsql psql", grammar="sql", queries=("sql",)),
    Language("starlark", filenames="build workspace module.bazel tiltfile", grammar="python", queries=("python",)),
    Language("svelte", "svelte", grammar="svelte", queries=("html",)),
    Language("swift", "swift", interpreters="swift", grammar="swift", queries=("swift",)),
    Language("tcl", "tcl tm", interpreters="tclsh wish", grammar="tcl", queries=("tcl",)),
    Language("terraform", "tf tfvars hcl", grammar="hcl", queries=("hcl",)),
    Language("thrift", "thrift", grammar="thrift", queries=("thrift",)),
    Language("typescript", "ts mts cts", interpreters="deno ts-node tsx", grammar="typescript",
             queries=("javascript", "typescript")),
    Language("typescript", "tsx", grammar="tsx", queries=("javascript", "typescript")),
    Language("verilog", "sv svh vh", grammar="verilog", queries=("verilog",)),
    Language("vhdl", "vhd vhdl", grammar="vhdl", queries=("vhdl",)),
    Language("vim", "vim", filenames=".vimrc _vimrc", grammar="vim", queries=("vim",)),
    Language("vue", "vue", grammar="vue", queries=("html",)),
    Language("wgsl", "wgsl", grammar="wgsl", queries=("wgsl",)),
    Language("zig", "zig", grammar="zig", queries=("zig",)),
    # By heading.
    Language("markdown", "md markdown mdx mkd mdown qmd rmd"),
    Language("restructuredtext", "rst rest"),
    # Known by name only.
    Language("asciidoc", "adoc asciidoc"),
    Language("assembly", "asm s nasm"),
    Language("batch", "bat cmd"),
    Language("cobol", "cob cbl"),
    Language("coffeescript", "coffee", "cakefile"),
    Language("crystal", "cr"),
    Language("csv", "csv tsv"),
    Language("d", "d di"),  # its grammar writes past its memory on some input, and so does that of V
    Language("diff", "diff patch"),
    Language("v", "v vsh"),
    Language("django-html", "jinja jinja2 j2 djhtml"),
    Language("dockerfile", "dockerfile containerfile", "dockerfile containerfile"),
    Language("erb", "erb"),
    Language("fortran", "f f77 for"),
    Language("fsharp", "fsi"),
    Language("gettext", "po pot"),
    Language("gitignore", "gitignore",
             ".gitignore .dockerignore .npmignore .codecontextignore .gitattributes"),
    Language("go-module", filenames="go.mod go.sum go.work"),
    Language("handlebars", "hbs handlebars mustache"),
    Language("haskell", "lhs"),
    Language("ini", "ini cfg conf properties editorconfig",
             ".editorconfig .gitconfig .npmrc .flake8 .pylintrc"),
    Language("json", "json json5 jsonc jsonl ndjson geojson webmanifest har",
             ".babelrc .eslintrc .prettierrc composer.lock pipfile.lock"),
    Language("jupyter", "ipynb"),
    Language("just", "just", "justfile"),
    Language("kdl", "kdl"),
    Language("latex", "tex sty cls ltx bib"),
    Language("less", "less"),
    Language("liquid", "liquid"),
    Language("meson", filenames="meson.build meson_options.txt"),
    Language("nginx", "nginx", "nginx.conf"),
    Language("org", "org"),
    Language("plantuml", "puml plantuml"),
    Language("prolog", "pro prolog"),
    Language("puppet", "epp"),
    Language("pug", "pug jade"),
    Language("qml", "qml"),
    Language("raku", "raku rakumod"),
    Language("reason", "re rei"),
    Language("sass", "sass"),
    Language("stylus", "styl"),
    Language("systemd", "service socket timer"),
    Language("toml", "toml", "pipfile cargo.lock poetry.lock uv.lock pdm.lock"),
    Language("twig", "twig"),
    Language("visual-basic", "vb vbs bas"),
    Language("xml", "xml xsd xsl xslt svg plist csproj vcxproj props targets resx wsdl rss xaml storyboard"),
    Language("yaml", "yaml yml", ".clang-format .clang-tidy"),
)  # fmt: skip


def _index(attribute: str) -> dict[str, Language]:
    return {key: row for row in LANGUAGES for key in getattr(row, attribute).split()}


_BY_EXTENSION = _index("extensions")
_BY_FILENAME = _index("filenames")
_BY_INTERPRETER = _index("interpreters")
_BY_NAME = {row.name: row for row in reversed(LANGUAGES)}

# Extensions that several languages claim: what the other one has and the first one cannot have.
_AMBIGUOUS: dict[str, tuple[tuple[re.Pattern[bytes], str], ...]] = {
    "h": (
        (re.compile(rb"(?m)^[ \t]*(?:@(?:interface|protocol|class|import)\b|#import\b)"), "objective-c"),
        (
            re.compile(
                rb"(?m)^[ \t]*(?:class|namespace|template|using|public:|private:|protected:)\b"
                rb"|\bstd::|^#include <\w+>"
            ),
            "cpp",
        ),
    ),
    "m": ((re.compile(rb"(?m)^[ \t]*(?:function\b|%|classdef\b)"), "matlab"),),
    "cl": ((re.compile(rb"(?m)^[ \t]*(?:__)?kernel[ \t]+\w"), "c"),),
    "cls": (
        (
            re.compile(
                rb"(?im)^[ \t]*(?:public|private|global|virtual|abstract)\b[\w \t]*\b(?:class|interface|enum)\b"
            ),
            "apex",
        ),
    ),
    "pl": ((re.compile(rb"(?m)^:-[ \t]|^[a-z]\w*(?:\([^()\n]*\))?[ \t]*:-"), "prolog"),),
    "pp": ((re.compile(rb"(?im)^[ \t]*(?:program|unit|library)[ \t]+\w+[ \t]*;"), "pascal"),),
    "ts": ((re.compile(rb"\A\s*<(?:\?xml|!DOCTYPE TS)"), "xml"),),
    "v": (
        (re.compile(rb"(?m)^[ \t]*(?:module[ \t]+\w+\s*[#(;]|`(?:timescale|include|define)\b|endmodule\b)"), "verilog"),
    ),
    "inc": ((re.compile(rb"\A(?!\s*<\?)"), "text"),),
}
_SHEBANG = re.compile(rb"\A#![ \t]*(\S+)(?:[ \t]+(?:-\S+[ \t]+)*([^\s=]+))?")
_VERSION_SUFFIX = re.compile(r"[\d.]+$")


def find_language(path: str, first_bytes: bytes = b"") -> Language:
    """The row for a file, ``TEXT`` when nothing fits; ``path`` may use ``/`` or be a bare name."""
    name = PurePosixPath(path).name.lower()
    if name in _BY_FILENAME:
        return _BY_FILENAME[name]
    stem, _, extension = name.rpartition(".")
    if stem and extension in _BY_EXTENSION:
        for pattern, language in _AMBIGUOUS.get(extension, ()):
            if pattern.search(first_bytes):
                return _BY_NAME[language]
        return _BY_EXTENSION[extension]
    # Dockerfile.dev, Makefile.am
    return _BY_FILENAME.get(name.partition(".")[0]) or _by_shebang(first_bytes) or TEXT


def has_grammar(path: str) -> bool:
    """Whether a file with this name is cut along its syntax tree."""
    return bool(find_language(path).grammar)


def language_named(name: str) -> Language | None:
    """The row with this language name or, as in ``<script lang="ts">``, with this extension."""
    return _BY_NAME.get(name) or _BY_EXTENSION.get(name)


def language_known(name: str) -> Language:
    """The row with this language name; ``KeyError`` for one that is not in the table."""
    return _BY_NAME[name]


def detect_language(path: str, first_bytes: bytes = b"") -> str:
    """Name of a file's language from its name and, where that leaves doubt, its first bytes.

    ``"text"`` when nothing fits. A few hundred bytes are enough; without them a ``#!`` line is not seen and
    an ambiguous extension (``.h``, ``.m``) means its most common language.
    """
    return find_language(path, first_bytes).name


def _by_shebang(first_bytes: bytes) -> Language | None:
    match = _SHEBANG.match(first_bytes)
    if match is None:
        return None
    program, argument = (group.decode("ascii", "replace") if group else "" for group in match.groups())
    interpreter = PurePosixPath(program).name
    if interpreter == "env":
        interpreter = PurePosixPath(argument).name
    interpreter = interpreter.lower()
    return _BY_INTERPRETER.get(interpreter) or _BY_INTERPRETER.get(_VERSION_SUFFIX.sub("", interpreter))
