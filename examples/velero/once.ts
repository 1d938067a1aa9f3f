import { Chart, Duration } from 'cdk8s';
import { VeleroBackup, VeleroModifierRule, VeleroPatch, VeleroResourceModifiers, VeleroRestore } from 'cdk8s-backup/velero';
import type { Construct } from 'constructs';
import type { Velero } from './velero';

/** What is done once, by whoever applies it: not among the things that a GitOps tool applies again and again. */
export class VeleroOnce extends Chart {
  public constructor(scope: Construct, velero: Velero) {
    super(scope, 'velero-once', { namespace: 'velero' });
    new VeleroBackup(this, 'gallery-before-import', { includedNamespaces: ['gallery'], snapshotMoveData: true, ttl: Duration.days(90) });
    new VeleroRestore(this, 'gallery-drill', {
      scheduleName: velero.galleryDaily.name,
      includedNamespaces: ['gallery'],
      namespaceMapping: { gallery: 'gallery-drill' },
      resourceModifiers: new VeleroResourceModifiers(this, 'cheap-drill', {
        rules: [
          VeleroModifierRule.patches({ groupResource: 'persistentvolumeclaims' }, [VeleroPatch.replace('/spec/storageClassName', 'cheap')]),
          VeleroModifierRule.merge({ groupResource: 'statefulsets.apps' }, { spec: { replicas: 1 } }),
        ],
      }),
    });
  }
}
