import { startOnRealCluster } from './real-cluster';
import { snapshotScenarios } from './scenarios';

snapshotScenarios(startOnRealCluster);
