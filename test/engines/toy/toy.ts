import type { Construct } from 'constructs';
import { type EngineBindOptions, type EngineConfig, type IEngine, ScriptFolder } from '../../../lib';

/** An engine outside the library: lines of text behind HTTP. It is what docs/extending.md describes, and no more. */
export class ToyEngine implements IEngine {
  public bind(_scope: Construct, options: EngineBindOptions): EngineConfig {
    const port = options.port ?? 8080;
    return {
      name: 'toy',
      image: { reference: 'busybox:1.37', user: 1000, programs: ['gzip', 'flock'] },
      scripts: ScriptFolder.at('toy', __dirname),
      connection: {
        port,
        environment: [
          { name: 'TOY_URL', value: `http://${options.host}:${port}` },
          options.credentials.key('token').toEnvironment('TOY_TOKEN'),
        ],
      },
      restoreRequest: [{ key: 'replace', variable: 'REPLACE', value: 'no' }],
    };
  }
}
