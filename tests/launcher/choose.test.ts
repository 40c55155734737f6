/** Which engine the launcher takes, and its arguments. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseEngine } from "../../scripts/launcher/choose.mjs";
import { LauncherError } from "../../scripts/launcher/errors.mjs";
import { parse } from "../../scripts/launcher/main.mjs";

const HOST = "unix:///somewhere/engine.sock";
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "choose-"));
  for (const program of ["dagger", "docker", "podman"]) {
    mkdirSync(join(scratch, program));
    writeFileSync(join(scratch, program, program), "#!/bin/sh\n");
    chmodSync(join(scratch, program, program), 0o755);
  }
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Case {
  name: string;
  /** Programs on the PATH. */
  programs?: string[];
  /** Those of them that answer. */
  answering?: string[];
  forced?: string;
  host?: string;
  /** What the npm SDK's CLI costs: its path, or the reason why it cannot be had. */
  download?: { path: string } | { fails: string };
  expected: { kind: string; reason: RegExp; cli?: RegExp } | { error: RegExp; exitCode: number };
}

const OFFLINE = { fails: "downloading the dagger command line failed: no such host" };

const CASES: Case[] = [
  { name: "a bare machine gets the embedded engine", expected: { kind: "embedded", reason: /^neither a dagger CLI nor a container runtime is there$/ } },
  { name: "a CLI without a runtime is not enough", programs: ["dagger"], expected: { kind: "embedded", reason: /a dagger CLI is installed, but no container runtime answers/ } },
  { name: "a runtime that does not answer counts as none", programs: ["dagger", "docker"], expected: { kind: "embedded", reason: /no container runtime answers/ } },
  { name: "CLI and Docker", programs: ["dagger", "docker"], answering: ["docker"], expected: { kind: "docker", reason: /dagger is installed and docker answers/, cli: /dagger\/dagger$/ } },
  { name: "Podman in the place of a dead Docker", programs: ["dagger", "docker", "podman"], answering: ["podman"], expected: { kind: "docker", reason: /podman answers/ } },
  { name: "Docker without a CLI downloads it", programs: ["docker"], answering: ["docker"], download: { path: "/cache/dagger-0" }, expected: { kind: "docker", reason: /docker answers, with the dagger CLI of the npm SDK/, cli: /^\/cache\/dagger-0$/ } },
  { name: "Docker without a CLI that can be downloaded", programs: ["docker"], answering: ["docker"], download: OFFLINE, expected: { kind: "embedded", reason: /docker answers, but no dagger CLI is installed, and downloading .* failed: no such host/ } },
  { name: "the given host wins over Docker", programs: ["dagger", "docker"], answering: ["docker"], host: HOST, expected: { kind: "given", reason: /_EXPERIMENTAL_DAGGER_RUNNER_HOST is set/, cli: /dagger\/dagger$/ } },
  { name: "the given host without a CLI", host: HOST, download: OFFLINE, expected: { error: /^engine given: no dagger CLI is on the PATH, and downloading .* failed: .*; install one, or name it in _EXPERIMENTAL_DAGGER_CLI_BIN$/, exitCode: 1 } },
  { name: "forced embedded, though Docker answers and a host is given", programs: ["dagger", "docker"], answering: ["docker"], host: HOST, forced: "embedded", expected: { kind: "embedded", reason: /^it was asked for$/ } },
  { name: "forced docker, though a host is given", programs: ["dagger", "docker"], answering: ["docker"], host: HOST, forced: "docker", expected: { kind: "docker", reason: /^it was asked for$/ } },
  { name: "forced docker without a runtime", programs: ["dagger", "docker"], forced: "docker", expected: { error: /^engine docker: no container runtime answers/, exitCode: 1 } },
  { name: "forced docker without a CLI", programs: ["docker"], answering: ["docker"], forced: "docker", download: OFFLINE, expected: { error: /^engine docker: no dagger CLI/, exitCode: 1 } },
  { name: "forced given without a host", programs: ["dagger"], forced: "given", expected: { error: /_EXPERIMENTAL_DAGGER_RUNNER_HOST is not set/, exitCode: 3 } },
  { name: "forced to something unknown", forced: "kubernetes", expected: { error: /must be one of given, docker, embedded, current value kubernetes/, exitCode: 3 } },
];

describe("the choice of engine", () => {
  it.each(CASES)("$name", async ({ programs = [], answering = [], forced, host, download, expected }) => {
    const env = { PATH: programs.map((program) => join(scratch, program)).join(":"), ...(host ? { _EXPERIMENTAL_DAGGER_RUNNER_HOST: host } : {}) };
    const provision = async () => {
      if (download === undefined) throw new Error("this case downloads nothing");
      if ("fails" in download) throw new LauncherError(download.fails);
      return download.path;
    };
    const choice = chooseEngine({ forced, env, provision, probe: async ([command]) => answering.includes(String(command)) });
    if ("error" in expected) {
      await expect(choice).rejects.toMatchObject({ message: expect.stringMatching(expected.error), exitCode: expected.exitCode });
      return;
    }
    const { cli, ...rest } = expected;
    expect(await choice).toMatchObject({ kind: rest.kind, reason: expect.stringMatching(rest.reason), ...(cli ? { cli: expect.stringMatching(cli) } : {}) });
  });

  it("takes the CLI that the environment names", async () => {
    const env = { PATH: "", _EXPERIMENTAL_DAGGER_RUNNER_HOST: HOST, _EXPERIMENTAL_DAGGER_CLI_BIN: "/opt/dagger" };
    expect(await chooseEngine({ forced: undefined, env, provision: () => Promise.reject(new Error("not needed")) })).toMatchObject({ cli: "/opt/dagger" });
  });

  it("asks the runtimes themselves whether they answer", async () => {
    const env = { PATH: [join(scratch, "dagger"), join(scratch, "docker")].join(":") };
    const path = process.env["PATH"];
    const choose = () => chooseEngine({ forced: undefined, env, provision: () => Promise.reject(new Error("not needed")) });
    try {
      process.env["PATH"] = `${join(scratch, "docker")}:${path}`;
      expect((await choose()).kind).toBe("docker");
      writeFileSync(join(scratch, "docker", "docker"), "#!/bin/sh\nexit 1\n");
      expect((await choose()).kind).toBe("embedded");
    } finally {
      process.env["PATH"] = path;
    }
  });
});

describe("the launcher's arguments", () => {
  it.each([
    { argv: ["call", "ci"], engine: undefined, rest: ["call", "ci"] },
    { argv: ["--engine", "docker", "call", "ci"], engine: "docker", rest: ["call", "ci"] },
    { argv: ["--engine=embedded", "functions"], engine: "embedded", rest: ["functions"] },
    { argv: ["call", "x", "--engine", "docker"], engine: undefined, rest: ["call", "x", "--engine", "docker"] },
    { argv: ["call", "--engine=a=b"], engine: undefined, rest: ["call", "--engine=a=b"] },
  ])("$argv", ({ argv, engine, rest }) => {
    expect(parse(argv)).toEqual({ engine, rest });
  });

  it.each([{ argv: ["--engine"] }, { argv: ["--engine="] }, { argv: ["--engine", "k3s"] }])("$argv is refused", ({ argv }) => {
    expect(() => parse(argv)).toThrow(/--engine must be one of given, docker, embedded, current value/);
  });
});
