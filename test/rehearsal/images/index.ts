import { type Image, ImageCatalog } from './catalog';
import { curlImage, etcdImage } from './etcd';
import { kubectlImage } from './kubectl';
import { minioPrograms } from './minio';
import { mongoImage } from './mongo';
import { mariadbImage, mysqlImage } from './mysql';
import { postgresImage } from './postgres';
import { rabbitmqImage } from './rabbitmq';
import { redisImage } from './redis';
import { rcloneImage, resticImage } from './repositories';

export * from './catalog';

/** Builds (or finds in the cache) every root the end-to-end tests use. */
export async function prepareImages(restic: () => Promise<Image> = resticImage): Promise<ImageCatalog> {
  const catalog = new ImageCatalog();
  // One after the other: debootstrap is bound by the disk and by dpkg, two at once gain nothing on two cores.
  catalog.add(await postgresImage('15', 'bookworm'));
  catalog.add(await postgresImage('17', 'trixie'));
  catalog.add(await redisImage('redis', '7.0', 'bookworm'));
  catalog.add(await redisImage('redis', '8.0', 'trixie'));
  catalog.add(await redisImage('valkey', '8.1', 'trixie'));
  catalog.add(await mariadbImage('10.11'));
  catalog.add(await mariadbImage('11.8'));
  catalog.add(await mysqlImage());
  catalog.add(await rabbitmqImage('3.10', 'bookworm'));
  catalog.add(await rabbitmqImage('4.0', 'trixie'));
  catalog.add(await etcdImage('3.4', 'bookworm'));
  catalog.add(await etcdImage('3.5', 'trixie'));
  catalog.add(await curlImage());
  // What is compiled comes last: whatever else is compiled at that time, these wait for it.
  catalog.add(await mongoImage('mongo:7.0.37-jammy'));
  catalog.add(await restic());
  catalog.add(await rcloneImage());
  catalog.add(await kubectlImage());
  // No image of a pod, but the server that some of them talk to.
  await minioPrograms();
  return catalog;
}
