import { createLog } from './adapters/pino/log.ts'
import type { Config } from './config.ts'

export const createServiceLog = (config: Pick<Config, 'log'>) => createLog(config.log)
