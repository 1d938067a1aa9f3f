import Ajv, { type ValidateFunction } from 'ajv';
import { type Manifest, nameOf } from '../manifest';
import { inWords } from './words';

/** A JSON schema. */
export type Schema = { readonly [keyword: string]: unknown };

/** A version of a custom resource that an API server would take. */
export interface CustomKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Of the whole object; it refuses fields that it does not know, which an API server would drop without a word. */
  readonly schema: Schema;
}

const TEXTS: Schema = { type: 'object', additionalProperties: { type: 'string' } };

/** What may be said in the metadata of an object that is applied. */
export const METADATA: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    generateName: { type: 'string' },
    namespace: { type: 'string' },
    labels: TEXTS,
    annotations: TEXTS,
    finalizers: { type: 'array', items: { type: 'string' } },
  },
  additionalProperties: false,
};

/** Patterns of CRDs are Go's, which may say in their middle that case is nothing. */
const GO_PATTERN = Object.assign(
  (pattern: string, flags: string) => {
    const sensitive = pattern.replace('(?i)', '');
    return new RegExp(sensitive, sensitive === pattern ? flags : `${flags}i`);
  },
  { code: 'new RegExp' },
);

/** Judges custom resources by what is known of their kinds: the API server's own words, where the CRDs are there. */
export class CustomJudge {
  private readonly ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, code: { regExp: GO_PATTERN } });
  private readonly kinds: Map<string, CustomKind>;
  private readonly groups: Set<string>;
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(kinds: CustomKind[]) {
    this.kinds = new Map(kinds.map(kind => [keyOf(kind), kind]));
    this.groups = new Set(kinds.map(groupOf));
    this.ajv.addKeyword({ keyword: 'x-kubernetes-validations', errors: true, compile: rules => checkRules(rules) });
  }

  /** Whether an object is of an API group that it knows. */
  public isAbout(manifest: Manifest): boolean {
    return this.groups.has(groupOf(manifest));
  }

  /** What the API server would refuse, or drop. */
  public problems(manifest: Manifest): string[] {
    const kind = this.kinds.get(keyOf(manifest));
    if (!kind) return [`${nameOf(manifest)}: ${manifest.apiVersion} ${manifest.kind} is not a kind that is known, or served`];
    const check = this.compiled.get(keyOf(kind)) ?? this.ajv.compile(kind.schema);
    this.compiled.set(keyOf(kind), check);
    check(manifest);
    const namespaced = manifest.metadata.namespace !== undefined;
    return [
      ...(check.errors ?? []).map(inWords),
      ...(namespaced && !kind.namespaced ? [`it has a namespace, but a ${kind.kind} belongs to the whole cluster`] : []),
      ...(!namespaced && kind.namespaced ? [`it has no namespace, but a ${kind.kind} belongs to one`] : []),
    ].map(problem => `${nameOf(manifest)}: ${problem}`);
  }
}

function groupOf({ apiVersion }: { readonly apiVersion: string }): string {
  return apiVersion.replace(/\/.*/, '');
}

function keyOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion} ${kind}`;
}

interface CelRule {
  readonly rule: string;
  readonly message?: string;
}

/** A check of ajv's: it leaves its errors on itself. */
interface Check {
  (value: unknown): boolean;
  errors?: { keyword: string; message: string; params: object }[];
}

function checkRules(rules: CelRule[]): Check {
  // Those that compare with how the object was before hold of one that is new.
  const functions = rules.filter(({ rule }) => !rule.includes('oldSelf')).map(rule => ({ ...rule, holds: celFunction(rule.rule) }));
  const check: Check = value => {
    const broken = functions.filter(({ holds }) => !holds(value));
    check.errors = broken.map(({ rule, message = rule }) => ({ keyword: 'x-kubernetes-validations', message, params: {} }));
    return broken.length === 0;
  };
  return check;
}

const TERM = /has\(self\.(\w+)\)|size\(self\)|&&|\|\||!|[()>]|\d+|\s+/y;

/** The little of CEL that the snapshot CRDs are written in, as JavaScript; of any other rule it says that it cannot judge by it. */
function celFunction(rule: string): (self: unknown) => boolean {
  let at = 0;
  let script = '';
  while (at < rule.length) {
    TERM.lastIndex = at;
    const term = TERM.exec(rule);
    if (!term) throw new Error(`a rule of a CRD that this judge does not understand: ${rule}`);
    const field = term[1]?.replace(/^__(\w+)__$/, '$1');
    script += field ? `(self.${field} !== undefined)` : term[0] === 'size(self)' ? 'self.length' : term[0];
    at = TERM.lastIndex;
  }
  return new Function('self', `return ${script}`) as (self: unknown) => boolean;
}
