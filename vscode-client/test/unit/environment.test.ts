import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, findBundle, type MakeOptions, ManagedEnvironment } from "../../src/server/environment";
import { Cancelled, ProgramFailed } from "../../src/server/processes";
import { findInterpreter, installedVersion, type Interpreter } from "../../src/server/python";
import { packageIn } from "../../src/server/environment";

const PATIENCE = 180_000;

// A real wheel as pip wants it, small enough to be made here.
const MAKE_WHEEL = `
import sys, zipfile
folder, version = sys.argv[1:]
info = f"codecontext-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/codecontext-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("codecontext/__init__.py", f"VERSION = {version!r}\\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: codecontext\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;

let temporary: string;
let interpreter: Interpreter;

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), "environment-"));
  interpreter = await findInterpreter();
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function bundle(name: string, version: string, requirements = ""): Bundle {
  const folder = join(temporary, name);
  mkdirSync(folder, { recursive: true });
  execFileSync(interpreter.path, ["-c", MAKE_WHEEL, folder, version]);
  writeFileSync(join(folder, "requirements.txt"), requirements);
  writeFileSync(join(folder, "torch.txt"), "");
  return {
    wheel: join(folder, `codecontext-${version}-py3-none-any.whl`),
    requirements: join(folder, "requirements.txt"),
    torch: join(folder, "torch.txt"),
  };
}

function options(changes: Partial<MakeOptions> = {}): MakeOptions & { steps: string[] } {
  const steps: string[] = [];
  const signal = new AbortController().signal;
  return {
    interpreter,
    torchIndexUrl: "",
    signal,
    onLine: () => undefined,
    onStep: (step) => steps.push(step),
    steps,
    ...changes,
  };
}

describe("the extension's own environment", () => {
  const root = () => join(temporary, "storage");

  it("is made once, though two windows want it at the same time", { timeout: PATIENCE }, async () => {
    const brought = bundle("one", "1.0.0"); // once: a wheel that is made again has other times in it
    const first = await ManagedEnvironment.of(root(), brought);
    const second = await ManagedEnvironment.of(root(), brought);
    expect(await first.state()).toBe("missing");
    const both = [options(), options()] as const;
    await Promise.all([first.make(both[0]), second.make(both[1])]);
    const made = both.filter(({ steps }) => steps.includes("Installing CodeContext"));
    const waited = both.filter(({ steps }) => steps.some((step) => step.startsWith("Another window")));
    expect([made.length, waited.length]).toEqual([1, 1]);
    expect(await second.state()).toBe("ready");
    expect(await installedVersion(first.python)).toBe("1.0.0");
  });

  it("takes only the new wheel when nothing else changed", { timeout: PATIENCE }, async () => {
    const newer = await ManagedEnvironment.of(root(), bundle("two", "1.0.1"));
    expect(await newer.state()).toBe("outdated");
    const made = options();
    await newer.make(made);
    expect(made.steps).toEqual(["Updating CodeContext"]);
    expect(await newer.state()).toBe("ready");
    expect(await installedVersion(newer.python)).toBe("1.0.1");
  });

  it("leaves nothing half made when it fails, and says why", { timeout: PATIENCE }, async () => {
    const broken = await ManagedEnvironment.of(root(), bundle("three", "1.0.2", "./no-such-package.whl\n"));
    const making = broken.make(options());
    await expect(making).rejects.toThrow(ProgramFailed);
    await expect(making).rejects.toThrow(/no-such-package/);
    expect(existsSync(broken.folder)).toBe(false);
    expect(readdirSync(root()).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  it("takes a package only if it is the one that the digest is of", { timeout: PATIENCE }, async () => {
    const brought = bundle("hashed", "1.0.5");
    const { wheel } = bundle("package", "9.0.0");
    const sha256 = createHash("sha256").update(readFileSync(wheel)).digest("hex");
    const require = (digest: string) => `codecontext @ ${pathToFileURL(wheel).href} --hash=sha256:${digest}\n`;
    writeFileSync(brought.requirements, require(sha256));
    const sound = await ManagedEnvironment.of(join(temporary, "sound"), brought);
    await sound.make(options());
    expect(await sound.state()).toBe("ready");
    writeFileSync(brought.requirements, require("0".repeat(64)));
    const forged = await ManagedEnvironment.of(join(temporary, "forged"), brought);
    await expect(forged.make(options())).rejects.toThrow(/hash|digest/i);
    expect(existsSync(forged.folder)).toBe(false);
    writeFileSync(brought.requirements, `codecontext @ ${pathToFileURL(wheel).href}\n`);
    const bare = await ManagedEnvironment.of(join(temporary, "bare"), brought);
    await expect(bare.make(options())).rejects.toThrow(/hash/i);
  });

  it("leaves nothing half made when it is cancelled", { timeout: PATIENCE }, async () => {
    const other = await ManagedEnvironment.of(root(), bundle("four", "1.0.3", "# other\n"));
    const controller = new AbortController();
    const making = other.make(options({ signal: controller.signal, onStep: () => controller.abort() }));
    await expect(making).rejects.toThrow(Cancelled);
    expect(existsSync(other.folder)).toBe(false);
  });

  it(
    "is removed when there is another one in its place, or when the user wants that",
    { timeout: PATIENCE },
    async () => {
      const other = await ManagedEnvironment.of(root(), bundle("five", "1.0.4", "# five\n"));
      await other.make(options());
      expect(readdirSync(root()).filter((name) => name.startsWith("python-"))).toHaveLength(1);
      await other.remove();
      expect(readdirSync(root())).toEqual([]);
    },
  );

  it("needs a package with a wheel in it", async () => {
    expect(await findBundle(join(temporary, "nowhere"))).toBeUndefined();
    expect((await findBundle(join(temporary, "one")))?.wheel).toMatch(/1\.0\.0-py3/);
  });
});

describe("an interpreter", () => {
  it("is refused in one sentence that says what was found", async () => {
    await expect(findInterpreter([["no-such-python"]])).rejects.toThrow(
      "CodeContext needs Python 3.11 or newer, but none was found.",
    );
  });

  it("that the setting names must be a program, and must have CodeContext", async () => {
    await expect(installedVersion(join(temporary, "no-such-python"))).rejects.toThrow("which cannot be executed");
    await expect(installedVersion("/bin/false")).rejects.toThrow("does not have CodeContext installed");
  });
});

describe("what pip and uv are at", () => {
  it.each([
    ["Collecting torch==2.13.0 (from -r requirements.txt (line 3))", "torch"],
    ["  Downloading numpy-2.4.6-cp311.whl.metadata (62 kB)", "numpy-2.4.6-cp311.whl.metadata"],
    [" + peft==0.21.2", "peft"],
    ["Successfully installed pip", ""],
  ])("%s", (line, name) => {
    expect(packageIn(line)).toBe(name);
  });
});
