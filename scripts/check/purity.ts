import ts from "typescript";

/** What a `core/` may not do: wait, look at the clock, roll dice, or touch the world. Imports are dependency-cruiser's. */
const worldly = new Set([
  "process",
  "global",
  "globalThis",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "clearTimeout",
  "clearInterval",
  "performance",
  "crypto",
  "fetch",
  "console",
  "Buffer",
  "require",
  "Promise",
]);
/** Of these only some members are worldly. */
const worldlyMembers: Record<string, Set<string>> = { Math: new Set(["random"]), Date: new Set(["now"]) };

export interface Impurity {
  line: number;
  what: string;
}

/** Reads `core/` code for what makes a step depend on more than its arguments. */
export function impurities(path: string, text: string): Impurity[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const found: Impurity[] = [];
  const add = (node: ts.Node, what: string) =>
    found.push({ line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1, what });
  const visit = (node: ts.Node): void => {
    const what = impurity(node);
    if (what) add(node, what);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function impurity(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
  if (ts.isAwaitExpression(node)) return "await";
  if (ts.isForOfStatement(node) && node.awaitModifier) return "for await";
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return "import()";
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return "import.meta";
  if (ts.isNewExpression(node) && isName(node.expression, "Date") && !node.arguments?.length) return "new Date()";
  if (ts.isCallExpression(node) && isName(node.expression, "Date")) return "Date()";
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const { expression, name } = node;
    if (worldlyMembers[expression.text]?.has(name.text)) return `${expression.text}.${name.text}`;
  }
  if (ts.isIdentifier(node) && worldly.has(node.text) && isValue(node) && !isLocal(node)) return node.text;
  return undefined;
}

const isName = (node: ts.Expression, name: string) => ts.isIdentifier(node) && node.text === name;

/** A name that is read, and not a property, a key, a type or a declaration of its own. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBinaryExpression(parent) || ts.isCallExpression(parent) || ts.isNewExpression(parent)) return true;
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent)) return parent.initializer === node;
  return ts.isExpression(parent) || ts.isStatement(parent);
}

/** Whether a scope around it declares a thing of the same name, such as a loop over processes. */
function isLocal(name: ts.Identifier): boolean {
  for (let scope: ts.Node = name; scope.parent !== undefined; scope = scope.parent) {
    if (declares(scope.parent, name.text)) return true;
  }
  return false;
}

function declares(scope: ts.Node, name: string): boolean {
  if (ts.isForOfStatement(scope) || ts.isForInStatement(scope) || ts.isForStatement(scope)) {
    const { initializer } = scope;
    return initializer !== undefined && ts.isVariableDeclarationList(initializer) && binds(initializer, name);
  }
  if (ts.isFunctionLike(scope)) return scope.parameters.some((parameter) => bindingHas(parameter.name, name));
  if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) return false;
  return scope.statements.some(
    (statement) =>
      (ts.isVariableStatement(statement) && binds(statement.declarationList, name)) ||
      (ts.isFunctionDeclaration(statement) && statement.name?.text === name),
  );
}

const binds = (list: ts.VariableDeclarationList, name: string) =>
  list.declarations.some((declaration) => bindingHas(declaration.name, name));

function bindingHas(binding: ts.BindingName, name: string): boolean {
  if (ts.isIdentifier(binding)) return binding.text === name;
  return binding.elements.some((element) => ts.isBindingElement(element) && bindingHas(element.name, name));
}
