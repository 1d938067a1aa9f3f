import { type Image, type ImageCatalog, prepareImages } from '../../rehearsal';

/** The images that dist/ names, by the Debian build of the same major version that stands in for each here. */
const STAND_INS: { [image: string]: string } = {
  'postgres:15.19-bookworm': 'postgres:15-bookworm',
  'postgres:17.11-trixie': 'postgres:17-trixie',
};

export async function imagesOfDist(): Promise<ImageCatalog> {
  const catalog = await prepareImages();
  for (const [name, standIn] of Object.entries(STAND_INS)) catalog.add({ ...imageNamed(catalog, standIn), name });
  return catalog;
}

export function imageNamed(catalog: ImageCatalog, name: string): Image {
  const image = catalog.find(name);
  if (!image) throw new Error(`no image ${name}`);
  return image;
}
