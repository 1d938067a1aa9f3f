import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Constants, Declarations, Members } from '../../lib/core/declarations';

// Reads from the sources what the public classes take. `npm run declarations` writes it to lib/core/declarations.ts.

const FILE = 'lib/core/declarations.ts';

/** Of other packages, what can be told apart at run time. */
const KNOWN = ['Duration', 'Size', 'Construct', 'IConstruct', 'Chart', 'ApiObject'];

type Named = ts.InterfaceDeclaration | ts.ClassDeclaration | ts.EnumDeclaration;

/** What the package exports. */
const FACES = ['lib/surface.ts', 'lib/velero/surface.ts', 'lib/volumes/surface.ts'];

/** What the constructors, factories and methods of the package take, down to the last member of their props. */
export function declarations(): Declarations {
  const sources = readdirSync('lib', { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts') && path !== 'core/declarations.ts')
    .sort()
    .map(path => ts.createSourceFile(`lib/${path}`, readFileSync(`lib/${path}`, 'utf8'), ts.ScriptTarget.ES2022, true));
  const types = new Map<string, Named>();
  for (const node of sources.flatMap(source => [...source.statements]).filter(isNamed)) types.set(node.name?.text ?? '', node);
  const files = new Map(sources.map(source => [source.fileName, source]));
  const exported = new Set(FACES.flatMap(face => [...exportedFrom(face, files)]));
  const classes = [...types.values()].filter((type): type is ts.ClassDeclaration => ts.isClassDeclaration(type));

  const calls: { [call: string]: Members } = {};
  for (const declared of classes.filter(({ name }) => exported.has(name?.text ?? ''))) Object.assign(calls, callsOf(declared));

  const structs: { [name: string]: Members } = {};
  const enums: { [name: string]: Constants } = {};
  const remedies: { [name: string]: string } = {};
  const follow = (members: Members) => {
    for (const text of Object.values(members)) {
      for (const name of /^[^|]*/.exec(text)?.[0].match(/\w+/g) ?? []) {
        const type = types.get(name);
        if (!type || name in structs || name in enums || name in remedies) continue;
        if (ts.isEnumDeclaration(type)) enums[name] = constantsOf(type);
        else if (ts.isClassDeclaration(type)) remedies[name] = madeBy(types, name);
        else {
          structs[name] = membersOf(type);
          follow(structs[name]);
          if (/^I[A-Z]/.test(name)) remedies[name] = madeBy(types, name);
        }
      }
    }
  };
  for (const members of Object.values(calls)) follow(members);
  return { calls: sorted(calls), structs: sorted(structs), enums: sorted(enums), remedies: sorted(remedies) };
}

/** Writes the table anew. */
export function write(): void {
  const { calls, structs, enums, remedies } = declarations();
  const table = (name: string, about: string, value: object, type: string) =>
    `/** ${about} */\nexport const ${name}: { readonly [name: string]: ${type} } = ${JSON.stringify(value, null, 2)};\n`;
  const [head] = readFileSync(FILE, 'utf8').split('// ---');
  const text = [
    `${head}// ---\n`,
    table('CALLS', "What constructors ('new <class>'), factories and methods take.", calls, 'Members'),
    table('STRUCTS', 'Members of interfaces.', structs, 'Members'),
    table('ENUMS', 'Values of enumerations.', enums, 'Constants'),
    table('REMEDIES', 'What makes a value of a type.', remedies, 'string'),
  ].join('\n');
  writeFileSync(FILE, text);
  execFileSync('npx', ['biome', 'format', '--write', FILE]);
}

function isNamed(node: ts.Node): node is Named {
  return ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isEnumDeclaration(node);
}

/** The names that a file exports, by itself and from others. */
function exportedFrom(file: string, sources: Map<string, ts.SourceFile>): Set<string> {
  const names = new Set<string>();
  sources.get(file)?.forEachChild(node => {
    if (isNamed(node) && ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) names.add(node.name?.text ?? '');
    if (!ts.isExportDeclaration(node) || !node.moduleSpecifier || node.isTypeOnly) return;
    if (node.exportClause && ts.isNamedExports(node.exportClause)) {
      for (const { name, isTypeOnly } of node.exportClause.elements) if (!isTypeOnly) names.add(name.text);
      return;
    }
    const path = join(file, '..', (node.moduleSpecifier as ts.StringLiteral).text);
    for (const name of exportedFrom(sources.has(`${path}.ts`) ? `${path}.ts` : `${path}/index.ts`, sources)) names.add(name);
  });
  return names;
}

function constantsOf(declared: ts.EnumDeclaration): Constants {
  return Object.fromEntries(
    declared.members.map(({ name, initializer }) => {
      const { text } = initializer as ts.StringLiteral | ts.NumericLiteral;
      return [name.getText(), initializer?.kind === ts.SyntaxKind.NumericLiteral ? Number(text) : text];
    }),
  );
}

function callsOf(declared: ts.ClassDeclaration): { [call: string]: Members } {
  const name = declared.name?.text ?? '';
  const calls: { [call: string]: Members } = {};
  for (const member of declared.members) {
    const flags = ts.getCombinedModifierFlags(member);
    if (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected) || isInternal(member)) continue;
    if (ts.isConstructorDeclaration(member)) calls[`new ${name}`] = parametersOf(member);
    if (ts.isMethodDeclaration(member) && member.parameters.length > 0) {
      calls[`${name}${flags & ts.ModifierFlags.Static ? '.' : '#'}${member.name.getText()}`] = parametersOf(member);
    }
  }
  return calls;
}

function parametersOf(declared: ts.ConstructorDeclaration | ts.MethodDeclaration): Members {
  const said = new Map(
    ts
      .getJSDocTags(declared)
      .filter(ts.isJSDocParameterTag)
      .map(tag => [tag.name.getText(), textOf(tag.comment)]),
  );
  return Object.fromEntries(
    declared.parameters.map(parameter => {
      const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options';
      const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined;
      const type = parameter.type ? typeOf(parameter.type) : 'boolean';
      const rest = parameter.dotDotDotToken ? '...' : '';
      return [`${rest}${name.replace(/^_/, '')}${isOptional ? '?' : ''}`, withWords(rest ? type.slice(0, -2) : type, said.get(name))];
    }),
  );
}

function membersOf(declared: ts.InterfaceDeclaration): Members {
  const bases = basesOf(declared);
  const members = declared.members.filter(member => !isInternal(member));
  return {
    ...(bases.length > 0 && { extends: bases.join(', ') }),
    ...Object.fromEntries(
      members.map(member => {
        const name = member.name?.getText() ?? '';
        if (ts.isMethodSignature(member)) return [name, 'function'];
        const { type, questionToken } = member as ts.PropertySignature;
        const [doc] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
        const isOptional = questionToken !== undefined;
        return [`${name}${isOptional ? '?' : ''}`, withWords(type ? typeOf(type) : 'any', textOf(doc?.comment))];
      }),
    ),
  };
}

/** The first sentence of its docstring tells what a type alone does not. */
function withWords(type: string, words: string | undefined): string {
  const sentence = words?.replace(/\s+/g, ' ').split(/\.(?= [A-Z]|$)/)[0];
  return sentence ? `${type} | ${sentence}` : type;
}

function typeOf(node: ts.TypeNode): string {
  switch (node.kind) {
    case ts.SyntaxKind.StringKeyword:
      return 'string';
    case ts.SyntaxKind.NumberKeyword:
      return 'number';
    case ts.SyntaxKind.BooleanKeyword:
      return 'boolean';
  }
  if (ts.isArrayTypeNode(node)) return `${typeOf(node.elementType)}[]`;
  if (ts.isTypeLiteralNode(node)) {
    const [index] = node.members;
    return index && ts.isIndexSignatureDeclaration(index) ? `{${typeOf(index.type)}}` : 'any';
  }
  if (!ts.isTypeReferenceNode(node)) return 'any';
  const name = node.typeName.getText();
  if (KNOWN.includes(name)) return name;
  if (isOfThisPackage(node, name)) return name;
  return /(Props|Options)$/.test(name) ? 'object' : 'any';
}

/** What is imported from another package is its own to judge. */
function isOfThisPackage(node: ts.Node, name: string): boolean {
  if (name.includes('.')) return false;
  return !node
    .getSourceFile()
    .statements.filter(ts.isImportDeclaration)
    .filter(({ moduleSpecifier }) => !(moduleSpecifier as ts.StringLiteral).text.startsWith('.'))
    .some(({ importClause }) => importClause?.namedBindings?.getText().match(/\w+/g)?.includes(name));
}

/** The factories and constants by which somebody gets a value of a type. */
function madeBy(types: Map<string, Named>, name: string): string {
  const is = (type: string): boolean => type === name || basesOf(types.get(type)).some(is);
  const constants: string[] = [];
  const factories: string[] = [];
  for (const [owner, declared] of types) {
    if (!ts.isClassDeclaration(declared)) continue;
    for (const member of declared.members) {
      const flags = ts.getCombinedModifierFlags(member);
      if (flags & ts.ModifierFlags.Private || isInternal(member)) continue;
      const call = `${owner}${flags & ts.ModifierFlags.Static ? '.' : '#'}${member.name?.getText()}`;
      if (ts.isPropertyDeclaration(member) && is(member.initializer?.getText().match(/^(?:new )?(\w+)/)?.[1] ?? '')) constants.push(call);
      if (ts.isMethodDeclaration(member) && member.type && is(member.type.getText())) {
        factories.push(`${call.replace('SecretRef#', 'SecretRef.named(...).')}(${member.parameters.length > 0 ? '...' : ''})`);
      }
    }
  }
  const [first = '', ...others] = constants;
  const named = [first, ...others.map(call => (call.startsWith(`${name}.`) ? call.slice(name.length + 1) : call))].join(', ');
  const all = [...(named ? [named] : []), ...factories.filter(call => !call.includes('#'))];
  if (all.length === 0) return ts.isClassDeclaration(types.get(name) as Named) ? `new ${name}(...)` : '';
  return all.slice(0, 4).join(', ') + (all.length > 4 ? ', ...' : '');
}

function basesOf(type: Named | undefined): string[] {
  if (!type || ts.isEnumDeclaration(type)) return [];
  return type.heritageClauses?.flatMap(({ types }) => types.map(({ expression }) => expression.getText())) ?? [];
}

function isInternal(node: ts.Node): boolean {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function textOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string | undefined {
  return ts.getTextOfJSDocComment(comment);
}

function sorted<T>(record: { [name: string]: T }): { [name: string]: T } {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
