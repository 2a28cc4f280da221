import ts from "typescript";

/** An import or re-export as it stands in a file. */
export type Import = { readonly specifier: string; readonly line: number; readonly typeOnly: boolean; readonly lines: number };

/** A runtime's global, named in a file. */
export type GlobalUse = { readonly name: "Deno" | "process"; readonly line: number };

export type Source = { readonly imports: readonly Import[]; readonly globals: readonly GlobalUse[] };

/** What a TypeScript file imports and which runtime's globals it names. Comments, strings and property names do not count. */
export function scanSource(file: string, text: string): Source {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
  const imports: Import[] = [];
  const globals: GlobalUse[] = [];
  const shadowed = new Set<string>();
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const add = (node: ts.Node, specifier: string, typeOnly: boolean) => {
    const line = lineOf(node.getStart());
    imports.push({ specifier, line, typeOnly, lines: lineOf(node.getEnd()) - line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node, node.moduleSpecifier.text, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node, node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      // A specifier that is computed cannot be judged: it stands for itself and is refused as a package that nobody lists.
      add(node, argument !== undefined && ts.isStringLiteralLike(argument) ? argument.text : "(computed)", false);
    } else if (ts.isIdentifier(node) && (node.text === "Deno" || node.text === "process") && isReference(node)) {
      globals.push({ name: node.text, line: lineOf(node.getStart()) });
    }
    // `import process from "node:process"` still names the global; a variable of that name hides it.
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node)) && ts.isIdentifier(node.name)) shadowed.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, globals: globals.filter(({ name }) => !shadowed.has(name) || name === "Deno") };
}

/** False for the names of properties and of what a file declares or imports itself; `globalThis.process` is the global again. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return parent.expression.getText() === "globalThis";
  if (ts.isQualifiedName(parent) && parent.right === node) return false;
  const named = parent as { readonly name?: ts.Node };
  const declares = ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) ||
    ts.isFunctionDeclaration(parent) || ts.isParameter(parent) || ts.isBindingElement(parent) || ts.isPropertyDeclaration(parent);
  return !(declares && named.name === node);
}
