import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { CLUSTER_SCOPED } from '../manifest';
import { type CustomKind, METADATA, type Schema } from './custom';

// What the generated types of imports/ say of custom resources, read as text: they name each field as it is in JSON (`@schema`), which
// is not always as it is in TypeScript. What only the CRDs say, somebody has to write down here.

const FOLDER = join(__dirname, '..', '..', '..', 'imports');

/** By the name of the type: of which fields exactly one has to be there. */
const EXACTLY_ONE: { [type: string]: string[] } = {
  VolumeSnapshotSpecSource: ['persistentVolumeClaimName', 'volumeSnapshotContentName'],
  VolumeSnapshotContentSpecSource: ['volumeHandle', 'snapshotHandle'],
  VolumeGroupSnapshotSpecSource: ['selector', 'volumeGroupSnapshotContentName'],
  VolumeGroupSnapshotV1Beta2SpecSource: ['selector', 'volumeGroupSnapshotContentName'],
  VolumeGroupSnapshotContentSpecSource: ['volumeHandles', 'groupSnapshotHandles'],
  VolumeGroupSnapshotContentV1Beta2SpecSource: ['volumeHandles', 'groupSnapshotHandles'],
};

/** The kinds of which there are generated types. */
export function importedKinds(folder: string = FOLDER): CustomKind[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.ts'))
    .flatMap(file => kindsOf(readFileSync(join(folder, file), 'utf8')));
}

function kindsOf(text: string): CustomKind[] {
  const source = ts.createSourceFile('imports.ts', text, ts.ScriptTarget.ES2022, true);
  const types: { [type: string]: Schema } = { ApiObjectMetadata: METADATA };
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) types[statement.name.text] = ofInterface(statement);
    if (ts.isEnumDeclaration(statement)) types[statement.name.text] = { enum: statement.members.map(wordOf) };
    // A class with factories for a number and for text.
    if (ts.isClassDeclaration(statement) && statement.name && !isKind(statement))
      types[statement.name.text] = { type: ['integer', 'string'] };
  }
  return source.statements.flatMap(statement => {
    if (!ts.isClassDeclaration(statement) || !statement.name || !isKind(statement)) return [];
    const [apiVersion = '', kind = ''] = ['apiVersion', 'kind'].map(field => new RegExp(`${field}: '(.*)'`).exec(statement.getText())?.[1]);
    const props = types[`${statement.name.text}Props`] as { properties: { [field: string]: Schema } };
    const schema: Schema = {
      ...props,
      properties: { ...props.properties, apiVersion: { const: apiVersion }, kind: { const: kind } },
      // The generated props leave `spec` out where the CRD does; nothing can be done with an object that has none.
      required: ['metadata', ...(props.properties.spec ? ['spec'] : [])],
      definitions: types,
    };
    return [{ apiVersion, kind, namespaced: !CLUSTER_SCOPED.includes(kind), schema }];
  });
}

function isKind(statement: ts.ClassDeclaration): boolean {
  return statement.heritageClauses?.some(clause => clause.getText() === 'extends ApiObject') ?? false;
}

function ofInterface(statement: ts.InterfaceDeclaration): Schema {
  const members = statement.members.filter(ts.isPropertySignature);
  const exactlyOne = EXACTLY_ONE[statement.name.text];
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(member => [jsonName(member), ofType(member.type)])),
    required: members.filter(member => !member.questionToken).map(jsonName),
    additionalProperties: false,
    ...(exactlyOne && { oneOf: exactlyOne.map(field => ({ required: [field] })) }),
  };
}

/** `@schema BackupSpec#snapshotMoveData`; the metadata have none. */
function jsonName(member: ts.PropertySignature): string {
  return /@schema \S+#(\S+)/.exec(member.getFullText())?.[1] ?? member.name.getText();
}

function ofType(type: ts.TypeNode | undefined): Schema {
  if (type && ts.isArrayTypeNode(type)) return { type: 'array', items: ofType(type.elementType) };
  if (type && ts.isTypeReferenceNode(type)) {
    return type.typeName.getText() === 'Date' ? { type: 'string' } : { $ref: `#/definitions/${type.typeName.getText()}` };
  }
  if (type && ts.isTypeLiteralNode(type)) {
    const [index] = type.members.filter(ts.isIndexSignatureDeclaration);
    return { type: 'object', additionalProperties: ofType(index?.type) };
  }
  const text = type?.getText() ?? '';
  if (text === 'any') return {};
  if (['string', 'number', 'boolean'].includes(text)) return { type: text };
  throw new Error(`imports: no schema for the type ${text}`);
}

function wordOf(member: ts.EnumMember): string {
  return member.initializer && ts.isStringLiteral(member.initializer) ? member.initializer.text : member.getText();
}
