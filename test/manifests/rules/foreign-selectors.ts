import type { ILabelSelector } from '@kubernetes-models/apimachinery/apis/meta/v1/LabelSelector';
import { type Manifest, nameOf, type PodTemplate, podTemplates, type Rule } from '../manifest';
import { selects } from './selector';

const OURS = 'cdk8s-backup';

/** By which people select the pods of a database. */
const USUAL = ['app', 'k8s-app', 'name', 'role', 'tier', 'component', 'statefulset.kubernetes.io/pod-name', 'app.kubernetes.io/instance'];

/**
 * No pod of ours has a label by which a Service, a NetworkPolicy or a PodDisruptionBudget of the database would take it in: those of the
 * same manifests, and those that people usually have.
 */
export const foreignSelectors: Rule = manifests =>
  podTemplates(manifests)
    .filter(({ labels }) => labels['app.kubernetes.io/managed-by'] === OURS)
    .flatMap(template =>
      [
        ...(template.labels['app.kubernetes.io/name'] === OURS
          ? []
          : [`app.kubernetes.io/name is ${template.labels['app.kubernetes.io/name']}`]),
        ...USUAL.filter(label => template.labels[label] !== undefined).map(label => `its pods have the label ${label}`),
        ...manifests.filter(manifest => takes(manifest, template)).map(manifest => `${nameOf(manifest)} takes its pods in`),
      ].map(finding => `${nameOf(template.of)}: ${finding}`),
    );

function takes(manifest: Manifest, { of, namespace, labels }: PodTemplate): boolean {
  const { metadata } = manifest;
  if (manifest === of || metadata.namespace !== namespace || metadata.labels?.['app.kubernetes.io/managed-by'] === OURS) return false;
  const { spec } = manifest as { spec?: { selector?: object; podSelector?: ILabelSelector } };
  const selector = manifest.kind === 'Service' ? { matchLabels: spec?.selector } : (spec?.podSelector ?? spec?.selector);
  const isOfPods = ['Service', 'NetworkPolicy', 'PodDisruptionBudget', 'Deployment', 'StatefulSet', 'DaemonSet'].includes(manifest.kind);
  return isOfPods && selector !== undefined && selects(selector as ILabelSelector, labels);
}
