import type { ApiObject } from '../api/object';

export function hasFinalizer({ metadata }: ApiObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

export function addFinalizer({ metadata }: ApiObject, finalizer: string): void {
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), finalizer])];
}

export function removeFinalizer({ metadata }: ApiObject, finalizer: string): void {
  const left = (metadata.finalizers ?? []).filter(each => each !== finalizer);
  if (left.length > 0) metadata.finalizers = left;
  else delete metadata.finalizers;
}
