import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { goBinaries } from '../../rehearsal/images/go-binaries';
import { minioPrograms } from '../../rehearsal/images/minio';
import { carvedRoot } from '../../rehearsal/rootfs';

export const VELERO = 'velero/velero:v1.18.3';
export const PLUGIN = 'velero/velero-plugin-for-aws:v1.14.2';
/** A server of S3's protocol. */
export const STORE = 'registry.example/minio:2025-09-07';

/** Whether the cluster's pods can have Velero itself: to build it takes a quarter of an hour of a processor. */
export const HAS_VELERO = process.env.VELERO_SERVER === 'yes';

/** The directory with `velero` and `velero-plugin-for-aws`. The first call takes many minutes. */
export function veleroPrograms(): Promise<string> {
  return goBinaries({ name: 'velero-1.18.3', build: readFileSync(join(__dirname, 'programs.sh'), 'utf8') });
}

/** Velero as it is released, and a store for it. */
export async function veleroImages(): Promise<Image[]> {
  const programs = await veleroPrograms();
  const velero = await carvedRoot('velero', {
    // Without the files of tzdata a schedule's zone is unknown.
    from: { suite: 'trixie', packages: ['busybox-static', 'ca-certificates', 'tzdata'], copies: { '/opt/velero': programs } },
    files: {
      '/usr/bin/busybox': '/bin/busybox',
      '/opt/velero/velero': '/velero',
      '/opt/velero/velero-plugin-for-aws': '/plugins/velero-plugin-for-aws',
      '/usr/share/zoneinfo/Europe/Berlin': '/usr/share/zoneinfo/Europe/Berlin',
    },
    busyboxApplets: ['sh', 'cp'],
  });
  const store = await carvedRoot('store', {
    from: { suite: 'trixie', packages: ['busybox-static'], copies: { '/opt/minio': await minioPrograms() } },
    files: { '/usr/bin/busybox': '/bin/busybox', '/opt/minio/minio': '/bin/minio' },
    busyboxApplets: ['sh', 'mkdir'],
  });
  return [
    { name: VELERO, root: velero, user: 65532 },
    { name: PLUGIN, root: velero, user: 65532, entrypoint: ['cp', '/plugins/velero-plugin-for-aws', '/target/velero-plugin-for-aws'] },
    { name: STORE, root: store, user: 65532 },
  ];
}
