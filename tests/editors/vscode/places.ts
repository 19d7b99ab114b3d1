/** Where things are that the stories use. */
import { join, resolve } from "node:path";

const here = import.meta.dirname;
export const repository = resolve(here, "../../..");
export const out = join(here, "out");
export const adaptersFolder = join(here, "node_modules/.cache/adapters");
export const vsix = process.env["VSIX"] ?? join(repository, "vscode-client/codecontext.vsix");
export const python = process.env["STORIES_PYTHON"] ?? join(repository, ".venv/bin/python");
