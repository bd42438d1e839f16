/** Refuses what may come of a page that took this machine's address for its own: before anything is read or answered. */
import type { Request, RequestHandler } from 'express';
import type { AllowedHosts } from './allowed-hosts.ts';
import { mayBeOfPage } from './allowed-hosts.ts';
import { escaped, isPageAsked, sendNotice } from './dashboard-routes.ts';
import { bodyFormat, isOtlpPath, OTLP_PATHS, refuse } from './otlp.ts';
import { ProblemError, sendProblem } from './problem.ts';

/** Hosts of which the log has been told; more are not remembered, and not told of. */
const MOST_TOLD = 100;
/** Of a host that is shown: longer than any name. */
const MOST_CHARACTERS = 260;

/** @param warn is told of each foreign host once */
export function hostCheck(
  hosts: AllowedHosts,
  warn: (message: string, fields: Record<string, unknown>) => void,
): RequestHandler {
  const told = new Set<string>();
  return (request, response, next) => {
    const foreign = hosts.foreignHost(request)?.slice(0, MOST_CHARACTERS) ?? null;
    if (foreign === null || (bringsUsage(request) && !mayBeOfPage(request))) return next();
    if (!told.has(foreign) && told.size < MOST_TOLD) {
      told.add(foreign);
      warn('requests for a host that is not allowed are refused', { host: foreign, setting: 'allowedHosts' });
    }
    const detail = `${REASON} (got ${JSON.stringify(foreign)}). ${REMEDY}`;
    if (isOtlpPath(request.path)) {
      refuse(request, response, bodyFormat(request.headers['content-type']), 403, detail);
    } else if (isPageAsked(request)) {
      const notice = `<p>${REASON} (got <code>${escaped(foreign)}</code>).</p>\n    <p>${REMEDY}</p>`;
      sendNotice(request, response, 403, 'This address is not allowed.', notice);
    } else {
      sendProblem(response, new ProblemError(403, 'HOST_NOT_ALLOWED', detail).problem);
    }
  };
}

/** What programs send: it is never lost because of a name, as of a service or of the machine around a container. */
function bringsUsage({ method, path }: Request): boolean {
  return method === 'POST' && (path in OTLP_PATHS || path === '/api/v1/usage');
}

const REASON =
  'Without API keys this receiver answers only to localhost, IP addresses and the hosts of allowedHosts, ' +
  'or any web page could ask it under a name of its own';
const REMEDY =
  'If the name is yours, add it to allowedHosts (USAGE_METER_ALLOWED_HOSTS, --allowed-hosts), ' +
  'or set USAGE_METER_API_KEYS.';
