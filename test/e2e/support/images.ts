import { type Image, ImageCatalog, prepareImages } from '../../rehearsal';
import { ageImage } from '../../rehearsal/images/age';
import { resticImage } from '../../rehearsal/images/repositories';
import { carvedRoot } from '../../rehearsal/rootfs';

/** The images that dist/ names, by the Debian build of the same major version that stands in for each here. */
const STAND_INS: { [image: string]: string } = {
  'postgres:15.19-bookworm': 'postgres:15-bookworm',
  'postgres:17.11-trixie': 'postgres:17-trixie',
  'rabbitmq:3.13.7-management': 'rabbitmq:3.10-management',
  'rabbitmq:4.0.9-management': 'rabbitmq:4.0-management',
  'redis:7.2.14-bookworm': 'redis:7.0-bookworm',
  'redis:8.0.6-bookworm': 'redis:8.0-trixie',
  'valkey/valkey:8.1.8-trixie': 'valkey:8.1-trixie',
  'mariadb:10.11.19-jammy': 'mariadb:10.11',
  'mariadb:11.8.9-noble': 'mariadb:11.8',
  'mysql:9.7.2-oraclelinux9': 'mysql:9.7',
  'gcr.io/etcd-development/etcd:v3.4.45': 'etcd:3.4-bookworm',
  'gcr.io/etcd-development/etcd:v3.5.33': 'etcd:3.5-trixie',
  'curlimages/curl:8.21.0': 'curl:8-trixie',
};

export async function imagesOfDist(restic?: () => Promise<Image>): Promise<ImageCatalog> {
  const catalog = await prepareImages(restic);
  for (const [name, standIn] of Object.entries(STAND_INS)) catalog.add({ ...imageNamed(catalog, standIn), name });
  return catalog.add(await busyboxImage('busybox:1.37.0-musl')).add(await ageImage('registry.example/age:1.2.1'));
}

/** The official busybox image. Debian builds busybox without the flock that the official one has, so flock comes from util-linux. */
function busyboxImage(name: string): Promise<Image> {
  const root = carvedRoot('busybox', {
    from: { suite: 'trixie', packages: ['busybox-static'] },
    // In the official image /bin/flock is busybox itself, as everything there is.
    files: { '/usr/bin/busybox': '/bin/busybox', '/usr/bin/flock': '/bin/flock' },
    programs: ['/usr/bin/flock'],
    busyboxApplets: 'all',
    texts: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:root\n' },
  });
  return root.then(path => ({ name, root: path }));
}

/** What the toy engine and a witness need of all kinds of repositories. */
export async function witnessImages(): Promise<ImageCatalog> {
  const catalog = (await busyboxImages()).add(await busyboxImage('busybox:1.37.0-musl')).add(await resticImage());
  return catalog.add(await ageImage('registry.example/age:1.2.1'));
}

export async function busyboxImages(): Promise<ImageCatalog> {
  return new ImageCatalog().add(await busyboxImage('busybox:1.37'));
}

export function imageNamed(catalog: ImageCatalog, name: string): Image {
  const image = catalog.find(name);
  if (!image) throw new Error(`no image ${name}`);
  return image;
}
