import { join } from 'node:path';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import { type Manifest, nameOf } from '../manifest';
import { customJudge } from './custom-problems';
import { BUILT_IN } from './kinds';
import { inWords } from './words';

// Two halves of one judge, from the OpenAPI description of Kubernetes and not from cdk8s. The models' own validators know integers
// and quantities, but let unknown fields pass; a schema made of the models' types refuses them, but takes any number for an integer.

const kinds = join(__dirname, 'kinds.ts');
const schema = createGenerator({ path: kinds, tsconfig: 'tsconfig.json', skipTypeCheck: true, jsDoc: 'none' }).createSchema('BuiltIn');
const ajv = new Ajv({ allErrors: true, strict: false }).addSchema(schema, 'kubernetes');

/** What the API server would refuse about the form of an object. */
export function problems(manifest: Manifest): string[] {
  if (customJudge.isAbout(manifest)) return customJudge.problems(manifest);
  const { apiVersion, kind } = manifest;
  const model = BUILT_IN.find(one => one.apiVersion === apiVersion && one.kind === kind);
  const check = model && ajv.getSchema(`kubernetes#/definitions/I${kind}`);
  if (!check) {
    return [`${nameOf(manifest)}: ${apiVersion} ${kind} is not among the kinds that are emitted`];
  }
  check(manifest);
  const ofSchema = (check.errors ?? []).map(inWords);
  return [...ofSchema, ...problemsOfModel(() => new model(manifest as never).validate())].map(problem => `${nameOf(manifest)}: ${problem}`);
}

function problemsOfModel(validate: () => void): string[] {
  try {
    validate();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
