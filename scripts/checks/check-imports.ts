import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { formatVocabulary, isTest, type Zone, zoneOf, zones } from "./import-rules.ts";
import { type Import, scanSource } from "./scan-source.ts";

/** Every breach of the import rules below `root`, as `file:line: what is wrong`, in order of file. Empty when there is none. */
export function checkImports(root: string): readonly string[] {
  return zones.flatMap(({ folder }) => sourceFiles(root, folder)).sort().flatMap((file) => checkFile(file, readFileSync(posix.join(root, file), "utf8")));
}

function sourceFiles(root: string, folder: string): readonly string[] {
  try {
    return readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
      .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
      .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(node_modules|dist|fixtures)\//.test(file));
  } catch {
    // A folder that does not exist yet breaks no rule.
    return [];
  }
}

function checkFile(file: string, text: string): readonly string[] {
  const zone = zoneOf(file);
  if (zone === undefined || isTest(file)) return [];
  const { imports, globals } = scanSource(file, text);
  const faults = imports.flatMap((found) => checkImport(file, zone, found).map((fault) => `${file}:${found.line}: ${fault}`));
  const named = globals.filter(({ name }) => zone.globals[name]?.test(file) !== true)
    .map(({ name, line }) => `${file}:${line}: names ${name}, which only the entry files of a runtime do`);
  return [...faults, ...named];
}

function checkImport(file: string, zone: Zone, found: Import): readonly string[] {
  const { specifier } = found;
  const faults = specifier.startsWith(".") ? checkOwn(file, zone, found) : checkPackage(zone, specifier);
  if (zone.deployed && found.lines > 1) return [...faults, `import of ${specifier} spans ${found.lines} lines, and the deploy tool would leave it behind`];
  return faults;
}

function checkOwn(file: string, zone: Zone, { specifier, typeOnly }: Import): readonly string[] {
  if (!/\.(tsx?|json|sql|css)$/.test(specifier)) return [`imports ${specifier} without its .ts`];
  const target = posix.join(posix.dirname(file), specifier);
  if (isTest(target)) return [`imports the test ${target}`];
  const targetZone = zoneOf(target);
  if (targetZone !== zone && !(targetZone !== undefined && zone.imports.includes(targetZone.folder))) {
    return [`imports ${target}, but ${zone.folder} imports only ${[zone.folder, ...zone.imports].join(", ")}`];
  }
  if (file.startsWith("core/format/") && !target.startsWith("core/format/") && !typeOnly && !formatVocabulary.includes(target)) {
    return [`imports ${target}, but core/format takes only types of core, ${formatVocabulary.join(" and ")}`];
  }
  const [, ownFunction, otherFunction] = /^functions\/([^/]+)\/.*\nfunctions\/([^/]+)\//.exec(`${file}\n${target}`) ?? [];
  return ownFunction === otherFunction ? [] : [`imports ${target}, but a function imports no other function`];
}

function checkPackage(zone: Zone, specifier: string): readonly string[] {
  if (specifier.startsWith("node:") || isBuiltin(specifier)) {
    if (!zone.builtins) return [`imports ${specifier}, but ${zone.folder} runs where there is no Node`];
    return specifier.startsWith("node:") ? [] : [`imports ${specifier} without node:`];
  }
  // `npm:` and `jsr:` would pin a second version beside the one in package.json and deno.json.
  if (/^[a-z]+:/.test(specifier)) return [`imports ${specifier}: name the package alone, its version stands in package.json and deno.json`];
  if (zone.packages === "any" || zone.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return [];
  return [`imports ${specifier}, but the packages of ${zone.folder} are ${zone.packages.join(", ") || "none"}`];
}
