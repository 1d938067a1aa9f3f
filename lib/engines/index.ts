import { PostgresEngine, type PostgresEngineOptions } from './postgres/postgres';

export * from './engine';
export * from './postgres/postgres';

/** The engines that come with this library. Another one is an `IEngine` of its own. */
export class Engine {
  /** PostgreSQL by logical dumps. */
  public static postgres(options: PostgresEngineOptions): PostgresEngine {
    return new PostgresEngine(options);
  }
}
