from __future__ import annotations

import pytest

from codecontext.chunking import detect_language


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.py", "python"),
        ("stubs/b.pyi", "python"),
        ("b.js", "javascript"),
        ("b.jsx", "javascript"),
        ("b.mjs", "javascript"),
        ("b.ts", "typescript"),
        ("b.tsx", "typescript"),
        ("B.java", "java"),
        ("b.kt", "kotlin"),
        ("b.go", "go"),
        ("b.rs", "rust"),
        ("b.c", "c"),
        ("b.cc", "cpp"),
        ("b.hpp", "cpp"),
        ("b.cppm", "cpp"),
        ("b.metal", "cpp"),
        ("b.pyx", "python"),
        ("b.mm", "objective-c"),
        ("b.frag", "glsl"),
        ("b.hlsl", "hlsl"),
        ("b.cs", "csharp"),
        ("b.rb", "ruby"),
        ("Rakefile", "ruby"),
        ("b.php", "php"),
        ("b.swift", "swift"),
        ("b.scala", "scala"),
        ("b.lua", "lua"),
        ("b.sh", "bash"),
        (".bashrc", "bash"),
        ("b.sql", "sql"),
        ("b.html", "html"),
        ("b.css", "css"),
        ("b.vue", "vue"),
        ("README.md", "markdown"),
        ("docs/index.rst", "restructuredtext"),
        ("b.yaml", "yaml"),
        ("b.toml", "toml"),
        ("Cargo.lock", "toml"),
        ("package.json", "json"),
        ("Makefile", "make"),
        ("Makefile.am", "make"),
        ("Dockerfile", "dockerfile"),
        ("Dockerfile.dev", "dockerfile"),
        ("web.dockerfile", "dockerfile"),
        ("CMakeLists.txt", "cmake"),
        ("go.mod", "go-module"),
        ("B.PY", "python"),
        ("archive.tar.py", "python"),
        ("notes.txt", "text"),
        ("LICENSE", "text"),
        ("b.unknown", "text"),
        (".py", "text"),
        ("", "text"),
        ("a.py/", "python"),
    ],
)
def test_language_by_name(path: str, language: str) -> None:
    assert detect_language(path) == language


@pytest.mark.parametrize(
    ("path", "first_bytes", "language"),
    [
        ("run", b"#!/usr/bin/python3\n", "python"),
        ("run", b"#!/usr/bin/env python3.12\n", "python"),
        ("run", b"#! /usr/bin/env -S node --harmony\n", "javascript"),
        ("run", b"#!/bin/sh -e\n", "bash"),
        ("run", b"#!/usr/bin/env\n", "text"),
        ("run", b"#!/usr/bin/unheard-of\n", "text"),
        ("run", b"#!\xff\xfe\n", "text"),
        ("run.rb", b"#!/bin/sh\n", "ruby"),
        ("a.h", b"int f(void);\n", "c"),
        ("a.h", b"#pragma once\nnamespace a { }\n", "cpp"),
        ("a.h", b"#import <Foundation/Foundation.h>\n", "objective-c"),
        ("a.m", b"#import <Foundation/Foundation.h>\n", "objective-c"),
        ("a.m", b"% Plots a curve.\nfunction plot_it(x)\n", "matlab"),
        ("a.ts", b"const a = 1\n", "typescript"),
        ("a.ts", b'<?xml version="1.0"?>\n<!DOCTYPE TS>\n', "xml"),
        ("a.inc", b"<?php echo 1;\n", "php"),
        ("a.inc", b"mov ax, bx\n", "text"),
    ],
)
def test_language_by_first_bytes(path: str, first_bytes: bytes, language: str) -> None:
    assert detect_language(path, first_bytes) == language
