import type { Construct, IConstruct } from 'constructs';
import { InputError } from './input-error';
import { warn } from './warning';

/** `[registry/]repository[:tag][@digest]`, by the grammar of the OCI distribution's `reference` package. */
const REFERENCE = new RegExp(
  [
    '^(?<name>(?:(?:localhost|[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:\\d))(?::\\d+)?/)?',
    '[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*)*)',
    '(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?$',
  ].join(''),
);

/**
 * A container image.
 *
 * A construct checks a reference when it takes it, so that an error names that construct.
 */
export class ImageReference {
  /**
   * @param reference `[registry/]repository[:tag][@digest]`, such as 'postgres:16.15-bookworm'
   */
  public static of(reference: string): ImageReference {
    return new ImageReference(reference);
  }

  private constructor(private readonly reference: string) {}

  /** The tag, if there is one: '16.15-bookworm'. */
  public get tag(): string | undefined {
    return REFERENCE.exec(this.reference)?.groups?.tag;
  }

  /**
   * Checks the reference for a construct.
   *
   * @returns the reference as it was given, or as the nearest ImageCatalog.mirror has it
   * @throws InputError when it is no image reference, or names no version: neither a tag other than `latest` nor a digest. Nobody knows
   *   what `latest` will be on the day of a restore. (Kubernetes documentation, "Images", "Image names".)
   */
  public bind(scope: IConstruct, prop: string): string {
    const parts = REFERENCE.exec(this.reference)?.groups;
    if (!parts) {
      const because = "write [registry/]repository:tag[@digest], such as 'postgres:16.15-bookworm'";
      throw new InputError(scope, { prop, got: this.reference, because });
    }
    if (!parts.digest && (!parts.tag || parts.tag === 'latest')) {
      const because = "pin a version: a tag such as ':16.15-bookworm', or a digest '@sha256:...'";
      throw new InputError(scope, { prop, got: this.reference, because });
    }
    return mirrored(scope, this.reference, parts.name ?? '');
  }
}

/** A reference as a mirror has it: with the same path, without the registry it came from. */
function mirrored(scope: IConstruct, reference: string, name: string): string {
  const mirror: string | undefined = scope.node.tryGetContext(MIRROR);
  if (mirror === undefined || name.startsWith(`${mirror}/`)) return reference;
  return `${mirror}/${pathWithoutHost(name)}${reference.slice(name.length)}`;
}

/** The first part of a name is a registry if it has a dot or a port, or is `localhost`. */
const pathWithoutHost = (name: string) => name.replace(/^([^/]*[.:][^/]*|localhost)\//, '');

const MIRROR = 'cdk8s-backup:image-mirror';

/** What an engine asks the catalog. */
export interface ImageRequest {
  /** What the image is for, by which it is overridden: '<engine>:<major version>', such as 'postgres:16'. */
  readonly key: string;
  /** The prop in which a user names an image, for errors. */
  readonly prop: string;
  /**
   * The image that the user named for this construct. It takes precedence over all others.
   * @default - the nearest override, else defaultImage
   */
  readonly image?: string;
  /** The engine's own choice. */
  readonly defaultImage: string;
  /**
   * The oldest sound release of each series, such as '16.15'. An image whose tag is older is warned about.
   * @default - none
   */
  readonly floors?: string[];
}

/**
 * Which image does the work, for each engine and major version.
 *
 * Engines bring defaults. A team that mirrors images, or builds its own, overrides them once for a whole app or chart.
 */
export class ImageCatalog {
  /**
   * Replaces images for everything below a construct; the nearest override wins, key by key.
   *
   * ```ts
   * ImageCatalog.override(app, { 'postgres:16': 'registry.example/postgres:16.15' });
   * ```
   *
   * @param scope an app, chart or other construct that has no children yet
   * @param images image references by '<engine>:<major version>'
   * @throws InputError when a key or reference is invalid, or the construct has children: they may have chosen already
   */
  public static override(scope: Construct, images: { [key: string]: string }): void {
    if (scope.node.children.length > 0) {
      throw new InputError(scope, { prop: 'images', got: images, because: 'override images before you create the first child' });
    }
    for (const [key, image] of Object.entries(images)) {
      if (!/^[a-z][a-z0-9-]*:\d+(\.\d+)*$/.test(key)) {
        throw new InputError(scope, { prop: 'images', got: key, because: "a key is '<engine>:<major version>', such as 'postgres:16'" });
      }
      ImageReference.of(image).bind(scope, `images['${key}']`);
      // Who takes it may be below another mirror.
      scope.node.setContext(contextKey(key), image);
    }
    scope.node.addValidation({ validate: () => warnOfUnused(scope, Object.keys(images)) });
  }

  /**
   * Takes every image below a construct from a mirror, including those of tools and those that somebody names. `postgres:16.15` becomes
   * `<mirror>/postgres:16.15`, and `quay.io/coreos/etcd:v3.5.17` becomes `<mirror>/coreos/etcd:v3.5.17`. References that name the mirror
   * already stay as they are.
   *
   * ```ts
   * ImageCatalog.mirror(app, 'registry.acme.example/proxy');
   * ```
   *
   * @param scope an app, chart or other construct that has no children yet
   * @param registry a registry, and a path in it if there is one
   * @throws InputError when it is no registry, or the construct has children: they may have chosen already
   */
  public static mirror(scope: Construct, registry: string): void {
    if (scope.node.children.length > 0) {
      throw new InputError(scope, { prop: 'registry', got: registry, because: 'name the mirror before you create the first child' });
    }
    if (REFERENCE.exec(`${registry}/image`)?.groups?.name !== `${registry}/image` || pathWithoutHost(`${registry}/`) === `${registry}/`) {
      const because = "write a registry, and a path in it if there is one, for example 'registry.acme.example/proxy'";
      throw new InputError(scope, { prop: 'registry', got: registry, because });
    }
    scope.node.setContext(MIRROR, registry);
  }

  /** The catalog as a construct sees it. */
  public static of(scope: IConstruct): ImageCatalog {
    return new ImageCatalog(scope);
  }

  private constructor(private readonly scope: IConstruct) {}

  /**
   * The image for a request: the user's own, else the nearest override, else the default.
   *
   * @param scope the construct that takes it
   * @throws InputError when the user's image is no reference or names no version
   */
  public image(scope: IConstruct, request: ImageRequest): string {
    askedFor(scope.node.root).add(request.key);
    const override: string | undefined = this.scope.node.tryGetContext(contextKey(request.key));
    const reference = ImageReference.of(request.image ?? override ?? request.defaultImage);
    const image = reference.bind(scope, request.prop);
    const floor = belowFloor(reference.tag ?? '', request.floors ?? []);
    if (floor) {
      warn(scope, `${request.prop} is '${image}': releases before ${floor} have known security holes: use ${floor} or newer`);
    }
    return image;
  }
}

/** The keys that the constructs of an app have asked for. */
const apps = new WeakMap<IConstruct, Set<string>>();

function askedFor(app: IConstruct): Set<string> {
  const known = apps.get(app) ?? new Set<string>();
  apps.set(app, known);
  return known;
}

/** A misspelt key, or one of another version, overrides nothing. Then the image is not the one that its author expects. */
function warnOfUnused(scope: IConstruct, keys: string[]): string[] {
  const asked = askedFor(scope.node.root);
  for (const key of keys.filter(each => !asked.has(each))) {
    warn(scope, `images['${key}'] overrides nothing: the images in use are ${[...asked].sort().join(', ') || 'none'}`);
  }
  return [];
}

function contextKey(key: string): string {
  return `cdk8s-backup:image:${key}`;
}

/**
 * The floor that a version is below, among the floors of several series: '15.18-bookworm' is below '15.19', and above '14.24'. A version
 * with fewer parts than the floor, such as '15', is not below it.
 *
 * @internal
 */
export function belowFloor(tagVersion: string, floors: string[]): string | undefined {
  const version = numbers(tagVersion);
  return floors.find(floor => {
    const parts = numbers(floor);
    const release = parts.pop() ?? 0;
    const given = version[parts.length];
    return given !== undefined && given < release && parts.every((part, i) => part === version[i]);
  });
}

/** The leading numbers of a tag: '15.18-bookworm' is 15, 18. */
function numbers(tag: string): number[] {
  return (/^v?(\d+(?:\.\d+)*)/.exec(tag)?.[1] ?? '').split('.').filter(Boolean).map(Number);
}
