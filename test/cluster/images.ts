import { imageNamed, imagesOfDist } from '../e2e/support/images';
import type { Image } from '../rehearsal';
import { HAS_VELERO, veleroImages } from './velero-server/images';

/** What the images that only a cluster's scenarios name are links to. */
const STAND_INS: { [image: string]: string } = {
  // Where what Velero says is said by a scenario: its jobs ask whether its pods run.
  'velero/velero:v1.18.1': 'busybox:1.37.0-musl',
};

/** The images that pods of the tests' cluster can have. */
export async function imagesOfCluster(): Promise<Image[]> {
  const catalog = await imagesOfDist();
  for (const [name, standIn] of Object.entries(STAND_INS)) catalog.add({ ...imageNamed(catalog, standIn), name });
  for (const image of HAS_VELERO ? await veleroImages() : []) catalog.add(image);
  return catalog.all();
}
