import { pythonEnvironment, run } from "./processes";

export const OLDEST_PYTHON: readonly [number, number] = [3, 11];

/** An interpreter that can make our environment. */
export interface Interpreter {
  path: string;
  version: string;
  /** Whether `python -m venv` can put pip in; Debian and Ubuntu split that off. */
  hasPip: boolean;
  /** What a native package depends on: version and machine. */
  tag: string;
}

const PROBE = [
  "import importlib.util, json, platform, sys",
  "print(json.dumps({'path': sys.executable, 'version': list(sys.version_info[:3]), 'machine': platform.machine(),",
  " 'hasPip': importlib.util.find_spec('ensurepip') is not None}))",
].join("\n");

interface Probed {
  path: string;
  version: [number, number, number];
  machine: string;
  hasPip: boolean;
}

const CANDIDATES: readonly (readonly string[])[] =
  process.platform === "win32"
    ? [["py", "-3"], ["python"], ["python3"]]
    : [["python3"], ["python3.14"], ["python3.13"], ["python3.12"], ["python3.11"], ["python"]];

/** The first Python that is new enough. Rejects with one sentence on what was found instead. */
export async function findInterpreter(candidates = CANDIDATES): Promise<Interpreter> {
  const rejected: string[] = [];
  for (const [command = "", ...first] of candidates) {
    try {
      const found = await probe(command, first);
      const problem = problemOf(found);
      if (problem === "") {
        return found;
      }
      rejected.push(`${found.path} (${problem})`);
    } catch {
      continue; // Not there at all, which is nothing to report of one candidate among many.
    }
  }
  const wanted = OLDEST_PYTHON.join(".");
  const others = rejected.length > 0 ? ` Not usable: ${[...new Set(rejected)].join("; ")}.` : "";
  throw new Error(`CodeContext needs Python ${wanted} or newer, but none was found.${others}`);
}

async function probe(command: string, first: readonly string[]): Promise<Interpreter> {
  const output = await run(command, [...first, "-I", "-c", PROBE], { env: pythonEnvironment(process.env) });
  const { path, version, machine, hasPip } = JSON.parse(output) as Probed;
  return { path, version: version.join("."), hasPip, tag: `${version[0]}.${version[1]}-${machine}` };
}

function problemOf({ version, hasPip }: Interpreter): string {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_PYTHON;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return version;
  }
  return hasPip ? "" : "cannot create virtual environments: on Debian and Ubuntu, install python3-venv";
}

const INSTALLED_VERSION = "from importlib.metadata import version; print(version('codecontext'))";

/** Which CodeContext an interpreter has. Rejects with one sentence if it has none or is no interpreter. */
export async function installedVersion(python: string): Promise<string> {
  let output: string;
  try {
    output = await run(python, ["-P", "-c", INSTALLED_VERSION], { env: pythonEnvironment(process.env) });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EACCES") {
      throw new Error(`codecontext.python.interpreter is ${python}, which cannot be executed.`);
    }
    throw new Error(
      `codecontext.python.interpreter is ${python}, which does not have CodeContext installed: ` +
        `run "${python} -m pip install codecontext", or clear the setting.`,
    );
  }
  return output.trim();
}
