import { apiFaultsModule } from './api-faults';
import { csiModule } from './csi';
import type { NodeModule } from './node/module';

/** What the cluster of the tests has beside Kubernetes itself. */
export async function modules(): Promise<NodeModule[]> {
  return [await apiFaultsModule(), await csiModule()];
}
