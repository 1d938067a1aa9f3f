import { output } from '../kubectl';

/** Whom OpenShift would assign: beyond all that an image's /etc/passwd knows. */
export const USER = 1000680000;

/** Namespaces with this label have it. */
export const ASSIGNED = { 'cdk8s-backup-tests/user': 'assigned' };

const NAME = 'cdk8s-backup-tests-assigned-user';
const PODS = {
  matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
  failurePolicy: 'Fail',
};
const inThem = { policyName: NAME, matchResources: { namespaceSelector: { matchLabels: ASSIGNED } } };
const has = (field: string) => `has(object.spec.securityContext) && has(object.spec.securityContext.${field})`;
const assigns = (field: string) => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: {
    expression: `${has(field)} ? Object{} : Object{spec: Object.spec{securityContext: Object.spec.securityContext{${field}: ${USER}}}}`,
  },
});
const refuses = (field: string) => ({
  expression: `${has(field)} && object.spec.securityContext.${field} == ${USER}`,
  message: `unable to validate against any security context constraint: ${field} is not in the range of the namespace`,
});

/** What OpenShift's security context constraint `restricted-v2` does to pods, as far as it is about users and groups. */
const POLICIES = [
  {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1beta1', kind: 'MutatingAdmissionPolicy', metadata: { name: NAME } },
    spec: { ...PODS, reinvocationPolicy: 'Never', mutations: ['runAsUser', 'fsGroup'].map(assigns) },
  },
  {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1beta1', kind: 'MutatingAdmissionPolicyBinding', metadata: { name: NAME } },
    spec: inThem,
  },
  {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: NAME } },
    spec: { ...PODS, validations: ['runAsUser', 'fsGroup'].map(refuses) },
  },
  {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: NAME } },
    spec: { ...inThem, validationActions: ['Deny'] },
  },
];
const LIST = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: POLICIES }));

export async function assignUsers(): Promise<void> {
  await output(['apply', '--server-side', '--filename=-'], { input: LIST });
}

export async function assignNoUsers(): Promise<void> {
  await output(['delete', '--ignore-not-found', '--filename=-'], { input: LIST });
}
