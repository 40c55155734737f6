import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "@jest/globals";
import ts from "typescript";

const ROOT = "src";

/** Every source file with the files of this tree that it imports, types included. */
const imports = new Map(
  readdirSync(ROOT, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const file = join(ROOT, name);
      const imported = ts.preProcessFile(readFileSync(file, "utf8")).importedFiles.map(({ fileName }) => fileName);
      return [file, imported.filter((path) => path.startsWith(".")).map((path) => join(dirname(file), path))] as const;
    }),
);

/** The first circle that is met on the way from `file`; null when there is none. */
function circleFrom(file: string, way: string[], clean: Set<string>): string[] | null {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (clean.has(file)) return null;
  for (const next of imports.get(file) ?? []) {
    const circle = circleFrom(next, [...way, file], clean);
    if (circle !== null) return circle;
  }
  clean.add(file);
  return null;
}

it("no file imports itself by way of others", () => {
  expect(imports.size).toBeGreaterThan(40);
  const clean = new Set<string>();
  const circles = [...imports.keys()].map((file) => circleFrom(file, [], clean)).filter((circle) => circle !== null);
  expect(circles.map((circle) => circle.map((file) => relative(ROOT, file)).join(" → "))).toEqual([]);
});
