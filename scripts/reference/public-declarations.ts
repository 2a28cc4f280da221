// Reads what a package gives to its users from its sources: names, kinds, declared types and doc comments.
import { dirname, join } from "node:path";
import ts from "typescript";

/** A field or a method: `type` as its author wrote it, `comment` without line breaks. */
export type Member = { readonly name: string; readonly type: string; readonly comment: string };

/** One exported name. A type without members, or with others than its own, has its declaration in `code`. */
export type Declaration = {
  readonly name: string;
  readonly kind: "function" | "value" | "class" | "type";
  readonly comment: string;
  readonly code: string;
  /** Types whose members these are as well. */
  readonly bases: readonly string[];
  readonly members: readonly Member[];
};

/** One way into the package: `comment` is that of the module. */
export type EntryPoint = { readonly name: string; readonly comment: string; readonly declarations: readonly Declaration[] };

/** What `entries`, files by the names that applications import, export. Reads syntax and names alone: a type error elsewhere does not matter. */
export function publicDeclarations(configPath: string, entries: ReadonlyMap<string, string>): readonly EntryPoint[] {
  const config = ts.parseJsonConfigFileContent(ts.readConfigFile(configPath, ts.sys.readFile).config, ts.sys, dirname(configPath));
  const program = ts.createProgram([...entries.values()], config.options);
  const checker = program.getTypeChecker();
  return [...entries].map(([name, path]) => {
    const source = program.getSourceFile(path);
    const symbol = source && checker.getSymbolAtLocation(source);
    if (source === undefined || symbol === undefined) throw new Error(`read declarations: ${path}: is not a module`);
    // In the order in which the entry names them, which is the order in which they are best read.
    const exported = checker.getExportsOfModule(symbol).map((one) => one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one);
    return { name, comment: moduleComment(source), declarations: exported.map((one) => declarationOf(one, checker)) };
  });
}

/** The package's entries by name, from the `exports` of its manifest, as files of its sources. */
export function entryFiles(
  folder: string,
  manifest: { readonly name: string; readonly exports: Readonly<Record<string, unknown>> },
): ReadonlyMap<string, string> {
  const modules = Object.entries(manifest.exports).flatMap(([entry, target]) => {
    const file = /^\.\/dist\/(.*)\.d\.ts$/.exec(String(Object(target).types))?.[1];
    return file === undefined ? [] : [[manifest.name + entry.slice(1), join(folder, "src", `${file}.ts`)] as const];
  });
  return new Map(modules);
}

function declarationOf(symbol: ts.Symbol, checker: ts.TypeChecker): Declaration {
  const node = symbol.declarations?.[0];
  const about = { name: symbol.name, comment: commentOf(symbol, checker), bases: [], members: [] };
  if (node !== undefined && ts.isFunctionDeclaration(node)) {
    const end = node.body?.getStart() ?? node.end;
    return { ...about, kind: "function", code: oneLine(node.getSourceFile().text.slice(node.getStart(), end)).replace(/^export (async )?/, "") };
  }
  if (node !== undefined && ts.isVariableDeclaration(node)) {
    return { ...about, kind: "value", code: `const ${symbol.name}: ${oneLine(node.type?.getText() ?? "unknown")}` };
  }
  if (node !== undefined && ts.isClassDeclaration(node)) {
    const fields = node.members.filter((member) => ts.isPropertyDeclaration(member)).filter((member) => member.name.getText() !== "name");
    return { ...about, kind: "class", code: "", members: fields.map((field) => memberOf(field, "", checker)) };
  }
  if (node !== undefined && ts.isTypeAliasDeclaration(node)) return { ...about, ...typeBody(node, checker), kind: "type" };
  throw new Error(`read declarations: ${symbol.name}: is of a kind that the reference does not know`);
}

/** A type of members has a table; any other stands as it is written. */
function typeBody(node: ts.TypeAliasDeclaration, checker: ts.TypeChecker): Pick<Declaration, "code" | "bases" | "members"> {
  const parts: readonly ts.TypeNode[] = ts.isIntersectionTypeNode(node.type) ? node.type.types : [node.type];
  const literals = parts.filter((part) => ts.isTypeLiteralNode(part));
  const bases = parts.filter((part) => ts.isTypeReferenceNode(part)).map((part) => part.getText());
  const isOpen = literals.some((literal) => !literal.members.every((member) => ts.isPropertySignature(member)));
  if (isOpen || literals.length !== 1 || literals.length + bases.length !== parts.length) {
    return { code: oneLine(node.getText().replace(/^export /, "")), bases: [], members: [] };
  }
  return { code: "", bases, members: literals.flatMap((literal) => membersOf(literal, "", checker)) };
}

/** Members of a type; those of a member that is a type of its own stand under its name and a dot. */
function membersOf(literal: ts.TypeLiteralNode, prefix: string, checker: ts.TypeChecker): readonly Member[] {
  return literal.members.flatMap((member) => {
    if (!ts.isPropertySignature(member)) throw new Error(`read declarations: ${member.getText()}: is not a property`);
    if (member.type !== undefined && ts.isTypeLiteralNode(member.type)) return membersOf(member.type, `${prefix}${member.name.getText()}.`, checker);
    return [memberOf(member, prefix, checker)];
  });
}

function memberOf(member: ts.PropertySignature | ts.PropertyDeclaration, prefix: string, checker: ts.TypeChecker): Member {
  const isOptional = member.questionToken !== undefined;
  const symbol = checker.getSymbolAtLocation(member.name);
  return {
    name: `${prefix}${member.name.getText()}${isOptional ? "?" : ""}`,
    type: typeText(member.type, isOptional, checker),
    comment: symbol ? commentOf(symbol, checker) : "",
  };
}

/** The type as it is written; `undefined` of what may be left out says nothing more, and `Other["member"]` nothing to somebody who does not see `Other`. */
function typeText(node: ts.TypeNode | undefined, isOptional: boolean, checker: ts.TypeChecker): string {
  if (node === undefined) return "";
  if (ts.isIndexedAccessTypeNode(node)) {
    const type = checker.getTypeFromTypeNode(node);
    return checker.typeToString(isOptional ? checker.getNonNullableType(type) : type, undefined, ts.TypeFormatFlags.NoTruncation);
  }
  const parts = isOptional && ts.isUnionTypeNode(node) ? node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword) : [node];
  const [only, ...others] = parts;
  const bare = others.length === 0 && only !== undefined && ts.isParenthesizedTypeNode(only) ? [only.type] : parts;
  return bare.map((part) => oneLine(part.getText())).join(" | ");
}

function commentOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  return oneLine(ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\{@link (\w+)\}/g, "`$1`"));
}

/** The comment that begins a file, which belongs to no declaration. */
function moduleComment(source: ts.SourceFile): string {
  return oneLine((/^\/\*\*(.*?)\*\//s.exec(source.text)?.[1] ?? "").replaceAll(/^ \* ?/gm, ""));
}

/** Without nested comments, line breaks, and the commas and signs that only lines of their own need. */
function oneLine(text: string): string {
  const words = text.replaceAll(/\/\*\*.*?\*\//gs, "").replaceAll(/\s+/g, " ").trim();
  return words.replaceAll(/([=({]) [|&] /g, (_, before: string) => before === "=" ? "= " : before).replaceAll("( ", "(").replaceAll(/,? \)/g, ")");
}
