import { Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Schedule, SecretRef } from '../../lib';
import {
  VeleroBackup,
  VeleroBackupStorageLocation,
  type VeleroBackupTemplate,
  VeleroExistingResourcePolicy,
  VeleroLabelOperator,
  VeleroModifierRule,
  VeleroOrderedResources,
  VeleroPatch,
  VeleroResourceModifiers,
  VeleroResourcePolicies,
  VeleroRestore,
  type VeleroRestoreProps,
  VeleroSchedule,
  type VeleroScheduleProps,
  VeleroVolumePolicy,
  VeleroVolumeSnapshotLocation,
} from '../../lib/velero';
import { problems } from '../manifests/schema/custom-problems';
import { chart, type Manifest, objects } from '../support/synth';
import { refusal } from './workloads';

const daily = Schedule.daily({ at: '02:30', timeZone: 'Europe/Berlin' });

function schedule(different: Partial<VeleroScheduleProps> = {}): Manifest {
  const shop = chart();
  new VeleroSchedule(shop, 'shop-daily', { schedule: daily, includedNamespaces: ['shop'], ...different });
  return objects(shop)['Schedule/shop-daily'];
}

function restore(props: VeleroRestoreProps): Manifest {
  const shop = chart();
  new VeleroRestore(shop, 'shop', props);
  return objects(shop)['Restore/shop'];
}

describe('a schedule', () => {
  test('is in the namespace of Velero, with the zone where Velero reads it', () => {
    const { metadata, spec } = schedule({ ttl: Duration.days(30) });
    expect(metadata).toMatchObject({ name: 'shop-daily', namespace: 'velero' });
    expect(spec).toEqual({
      schedule: 'CRON_TZ=Europe/Berlin 30 2 * * *',
      useOwnerReferencesInBackup: false,
      template: {
        metadata: {
          labels: {
            'app.kubernetes.io/name': 'cdk8s-backup',
            'app.kubernetes.io/managed-by': 'cdk8s-backup',
            'app.kubernetes.io/part-of': 'backup',
          },
        },
        includedNamespaces: ['shop'],
        ttl: '2592000s',
        csiSnapshotTimeout: '600s',
        itemOperationTimeout: '14400s',
      },
    });
  });

  test('that never comes is paused', () => {
    expect(schedule({ schedule: Schedule.never() }).spec).toMatchObject({ paused: true, schedule: 'CRON_TZ=UTC 0 0 31 2 *' });
  });

  test('says everything that a backup can say', () => {
    const shop = chart();
    const resourcePolicies = new VeleroResourcePolicies(shop, 'volumes', {
      volumePolicies: [VeleroVolumePolicy.skip({ volumeTypes: ['nfs'] })],
    });
    const template: VeleroBackupTemplate = {
      includedNamespaceScopedResources: ['*'],
      excludedNamespaceScopedResources: ['events'],
      includedClusterScopedResources: ['persistentvolumes'],
      orLabelSelectors: [
        { matchLabels: { app: 'orders' } },
        { matchExpressions: [{ key: 'tier', operator: VeleroLabelOperator.IN, values: ['data'] }] },
      ],
      storageLocation: 'offsite',
      volumeSnapshotLocations: ['disks'],
      snapshotVolumes: true,
      snapshotMoveData: true,
      dataMover: 'velero',
      parallelFilesUpload: 4,
      orderedResources: VeleroOrderedResources.none().pods('shop/orders-db-1', 'shop/orders-db-0').claims('shop/data-orders-db-1'),
      resourcePolicies,
      volumeGroupSnapshotLabelKey: 'acme.example/group',
      backupLabels: { tier: 'gold' },
    };
    new VeleroSchedule(shop, 'all', { schedule: daily, ...template });
    new VeleroBackup(shop, 'once', template);
    const synthesized = objects(shop);
    const { template: of } = synthesized['Schedule/all'].spec;
    const { metadata, ...rest } = of;
    expect(metadata.labels).toMatchObject({ tier: 'gold' });
    expect(of).toMatchObject({
      datamover: 'velero',
      uploaderConfig: { parallelFilesUpload: 4 },
      orderedResources: { pods: 'shop/orders-db-1,shop/orders-db-0', persistentvolumeclaims: 'shop/data-orders-db-1' },
      resourcePolicy: { kind: 'configmap', name: 'volumes' },
      volumeGroupSnapshotLabelKey: 'acme.example/group',
    });
    expect(synthesized['Backup/once'].spec).toEqual(rest);
    expect(synthesized['Backup/once'].metadata.labels).toMatchObject({ tier: 'gold' });
    expect(Object.values(synthesized).flatMap(problems)).toEqual([]);
  });

  test.each<[string, Partial<VeleroScheduleProps>, string]>([
    [
      'backups that are gone before the next',
      { ttl: Duration.hours(12) },
      'ttl is "12 hours": a backup would be deleted before the next one',
    ],
    ['half a second', { csiSnapshotTimeout: Duration.millis(500) }, 'csiSnapshotTimeout is "0.5 seconds"'],
    ['a name that is none', { name: 'Shop' }, 'name is "Shop"'],
    ['a namespace in both lists', { excludedNamespaces: ['shop'] }, 'excludedNamespaces is "shop": it is also included'],
    ['everything and something', { includedNamespaces: ['*', 'shop'] }, "'*' means everything: write only that"],
    ['nothing', { excludedResources: ['*'] }, 'excludedResources is ["*"]: everything would be left out'],
    ['two names in one', { includedNamespaces: ['shop,crm'] }, 'includedNamespaces is "shop,crm": write names in lower case, one per item'],
    [
      'old and new filters',
      { includedResources: ['pods'], excludedNamespaceScopedResources: ['events'] },
      'includedResources is ["pods"]: Velero does not accept it together with excludedNamespaceScopedResources',
    ],
    [
      'two kinds of selectors',
      { labelSelector: { matchLabels: { a: 'b' } }, orLabelSelectors: [{ matchLabels: { a: 'c' } }] },
      'orLabelSelectors is "1 beside labelSelector"',
    ],
    ['a selector of everything', { labelSelector: {} }, 'labelSelector is {}: it selects everything'],
    [
      'a label that is none',
      { labelSelector: { matchLabels: { app: 'a b' } } },
      'labelSelector[\'app\'] is "a b": write at most 63 letters',
    ],
    [
      'a comparison with nothing',
      { labelSelector: { matchExpressions: [{ key: 'a', operator: VeleroLabelOperator.IN }] } },
      'write the values that it is compared with',
    ],
    ['a mover of nothing', { dataMover: 'velero' }, 'dataMover is "velero": no data is moved'],
    ['moved snapshots that are not taken', { snapshotMoveData: true, snapshotVolumes: false }, 'and none are taken'],
    ['half a file', { parallelFilesUpload: 0.5 }, 'parallelFilesUpload is 0.5'],
    ['a group that is no label', { volumeGroupSnapshotLabelKey: 'a b' }, 'volumeGroupSnapshotLabelKey is "a b"'],
    ['an order of nothing', { orderedResources: VeleroOrderedResources.none() }, 'name what comes first, or leave it out'],
    ['an order by kind', { orderedResources: VeleroOrderedResources.none().resources('Pod', ['a/b']) }, 'write a kind in the plural'],
    ['an order without namespaces', { orderedResources: VeleroOrderedResources.none().pods('a') }, "write 'namespace/name'"],
    ['an order of one twice', { orderedResources: VeleroOrderedResources.none().pods('a/b', 'a/b') }, 'it is named twice'],
  ])('is refused with %s', (_, different, says) => {
    expect(refusal(() => schedule(different))).toContain(says);
  });
});

describe('a restore', () => {
  test('is of a backup, into another namespace, with objects changed on their way', () => {
    const shop = chart();
    const resourceModifiers = new VeleroResourceModifiers(shop, 'drill', {
      rules: [
        VeleroModifierRule.patches(
          { groupResource: 'persistentvolumeclaims', namespaces: ['shop'], matches: [{ path: '/spec/storageClassName', value: 'fast' }] },
          [
            VeleroPatch.replace('/spec/storageClassName', 'cheap "one"'),
            VeleroPatch.add('/metadata/labels/tier', '1'),
            VeleroPatch.remove('/spec/volumeName'),
          ],
        ),
        VeleroModifierRule.merge({ groupResource: 'deployments.apps', resourceNameRegex: '^web-' }, { spec: { replicas: 1 } }),
      ],
    });
    new VeleroRestore(shop, 'drill-run', {
      scheduleName: 'shop-daily',
      includedNamespaces: ['shop'],
      namespaceMapping: { shop: 'shop-drill' },
      existingResourcePolicy: VeleroExistingResourcePolicy.UPDATE,
      restoreStatusOf: ['workflows'],
      resourceModifiers,
      restoreVolumes: true,
      writeSparseFiles: true,
      itemOperationTimeout: Duration.hours(6),
    });
    const synthesized = objects(shop);
    expect(synthesized['Restore/drill-run'].spec).toEqual({
      scheduleName: 'shop-daily',
      includedNamespaces: ['shop'],
      namespaceMapping: { shop: 'shop-drill' },
      existingResourcePolicy: 'update',
      resourceModifier: { kind: 'configmap', name: 'drill-run-modifiers' },
      restorePVs: true,
      restoreStatus: { includedResources: ['workflows'] },
      uploaderConfig: { writeSparseFiles: true },
      itemOperationTimeout: '21600s',
    });
    const { metadata, data } = synthesized['ConfigMap/drill'];
    expect(metadata.namespace).toBe('velero');
    // Velero puts what is in quotes into JSON as it is, and takes them for a sign that it is text.
    expect(parse(data)).toMatchObject({
      version: 'v1',
      resourceModifierRules: [
        {
          patches: [
            { operation: 'replace', path: '/spec/storageClassName', value: '"cheap \\"one\\""' },
            { operation: 'add', path: '/metadata/labels/tier', value: '"1"' },
            { operation: 'remove', path: '/spec/volumeName' },
          ],
        },
        { mergePatches: [{ patchData: 'spec:\n  replicas: 1\n' }] },
      ],
    });
    expect(Object.values(synthesized).flatMap(problems)).toEqual([]);
  });

  test.each<[string, VeleroRestoreProps, string]>([
    ['no source', {}, 'scheduleName is ""'],
    ['two sources', { backupName: 'a', scheduleName: 'b' }, 'scheduleName is "b beside backupName a": a restore uses one Backup'],
    [
      'a mapping of what is not included',
      { backupName: 'a', includedNamespaces: ['shop'], namespaceMapping: { crm: 'x' } },
      'crm is not in includedNamespaces',
    ],
  ])('is refused with %s', (_, props, says) => {
    expect(refusal(() => restore(props))).toContain(says);
  });

  test.each<[string, () => VeleroModifierRule[], string]>([
    ['no rule', () => [], 'Velero accepts no modifiers without a rule'],
    ['no change', () => [VeleroModifierRule.patches({ groupResource: 'pods' }, [])], 'it changes nothing'],
    ['a kind', () => [VeleroModifierRule.merge({ groupResource: 'Pod' }, {})], 'rules[0].groupResource is "Pod"'],
    [
      'half an expression',
      () => [VeleroModifierRule.merge({ groupResource: 'pods', resourceNameRegex: '(' }, {})],
      'write a regular expression',
    ],
    [
      'a path that is none',
      () => [VeleroModifierRule.patches({ groupResource: 'pods' }, [VeleroPatch.remove('spec')])],
      'write a JSON pointer',
    ],
  ])('is not changed by %s', (_, rules, says) => {
    expect(refusal(() => new VeleroResourceModifiers(chart(), 'm', { rules: rules() }))).toContain(says);
  });
});

describe('locations', () => {
  test('of backups and of snapshots, with credentials by reference', () => {
    const shop = chart();
    new VeleroBackupStorageLocation(shop, 'offsite', {
      provider: 'aws',
      bucket: 'acme-velero',
      prefix: 'clusters/a',
      config: { region: 'eu-central-1' },
      credentials: SecretRef.named('cloud').key('credentials'),
      caCertificate: SecretRef.named('ca').key('ca.crt'),
      readOnly: true,
      isDefault: false,
      validationFrequency: Duration.minutes(5),
    });
    new VeleroVolumeSnapshotLocation(shop, 'disks', { provider: 'aws', config: { region: 'eu-central-1' } });
    const synthesized = objects(shop);
    expect(synthesized['BackupStorageLocation/offsite'].spec).toEqual({
      provider: 'aws',
      objectStorage: { bucket: 'acme-velero', prefix: 'clusters/a', caCertRef: { name: 'ca', key: 'ca.crt' } },
      config: { region: 'eu-central-1' },
      credential: { name: 'cloud', key: 'credentials' },
      accessMode: 'ReadOnly',
      default: false,
      validationFrequency: '300s',
    });
    expect(synthesized['VolumeSnapshotLocation/disks'].spec).toEqual({ provider: 'aws', config: { region: 'eu-central-1' } });
    expect(Object.values(synthesized).flatMap(problems)).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['a bucket with a directory', { bucket: 'acme/velero' }, 'a directory in it goes into prefix'],
    ['a prefix with a slash in front', { prefix: '/clusters' }, 'prefix is "/clusters"'],
    ['a provider that is none', { provider: 'Amazon S3' }, 'provider is "Amazon S3"'],
  ])('are refused with %s', (_, different, says) => {
    const props = { provider: 'aws', bucket: 'acme', ...different };
    expect(refusal(() => new VeleroBackupStorageLocation(chart(), 'offsite', props))).toContain(says);
  });
});

describe('resource policies', () => {
  test('are one key of a ConfigMap', () => {
    const shop = chart();
    new VeleroResourcePolicies(shop, 'volumes', {
      volumePolicies: [
        VeleroVolumePolicy.skip({ claimLabels: { cache: 'yes' }, claimPhases: ['Lost'] }),
        VeleroVolumePolicy.fsBackup({ nfsServer: 'nas', maximumCapacity: Size.gibibytes(10) }),
        VeleroVolumePolicy.snapshot({ csiDriver: 'disk.csi.example', csiVolumeAttributes: { tier: 'fast' }, storageClasses: ['fast'] }),
        VeleroVolumePolicy.snapshot({ minimumCapacity: Size.gibibytes(1), maximumCapacity: Size.gibibytes(100) }),
      ],
      excludedNamespaceScopedResources: ['events'],
    });
    const { data } = objects(shop)['ConfigMap/volumes'];
    expect(parse(data)).toEqual({
      version: 'v1',
      volumePolicies: [
        { conditions: { pvcLabels: { cache: 'yes' }, pvcPhase: ['Lost'] }, action: { type: 'skip' } },
        { conditions: { capacity: ',10240Mi', nfs: { server: 'nas' } }, action: { type: 'fs-backup' } },
        {
          conditions: { storageClass: ['fast'], csi: { driver: 'disk.csi.example', volumeAttributes: { tier: 'fast' } } },
          action: { type: 'snapshot' },
        },
        { conditions: { capacity: '1024Mi,102400Mi' }, action: { type: 'snapshot' } },
      ],
      includeExcludePolicy: { excludedNamespaceScopedResources: ['events'] },
    });
  });

  test.each<[string, object, string]>([
    ['nothing', {}, 'it is empty'],
    ['everything in a list', { includedClusterScopedResources: ['*'] }, "Velero accepts no '*' in a policy"],
    [
      'a policy that no volume reaches',
      { volumePolicies: [VeleroVolumePolicy.skip({}), VeleroVolumePolicy.snapshot({ storageClasses: ['fast'] })] },
      'volumePolicies[0] is {}: it has no conditions, so it matches every volume',
    ],
    [
      'attributes of no driver',
      { volumePolicies: [VeleroVolumePolicy.skip({ csiVolumeAttributes: { a: 'b' } })] },
      'name the csiDriver as well',
    ],
    [
      'a size that is none',
      { volumePolicies: [VeleroVolumePolicy.skip({ minimumCapacity: Size.gibibytes(2), maximumCapacity: Size.gibibytes(1) })] },
      'the minimum is above the maximum',
    ],
  ])('are refused with %s', (_, props, says) => {
    expect(refusal(() => new VeleroResourcePolicies(chart(), 'volumes', props))).toContain(says);
  });

  test('that filter resources do not go with the old filters', () => {
    const resourcePolicies = new VeleroResourcePolicies(chart(), 'volumes', { excludedNamespaceScopedResources: ['events'] });
    expect(refusal(() => schedule({ resourcePolicies, includeClusterResources: true }))).toContain(
      'Velero does not accept it together with resourcePolicies',
    );
  });
});

/** What is in the one key of a ConfigMap. */
function parse(data: { [key: string]: string }): unknown {
  const [text = '', ...others] = Object.values(data);
  expect(others).toEqual([]);
  return parseAllDocuments(text)[0]?.toJS();
}
