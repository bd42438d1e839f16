/**
 * The names under which usage travels: what the library writes and the receiver's built-in meter reads.
 * Part of the outside (DESIGN, "The outside"): change one only with a deprecation.
 */

/** Who is billed: the caller's own id, a string. On the point, else on its resource. */
export const ATTR_USAGE_CUSTOMER_ID = 'usage.customer.id';

/** What is billed. A signal that carries it is claimed as usage. */
export const ATTR_USAGE_DIMENSION_ID = 'usage.dimension.id';

/** On logs and spans: how much, an integer, a double or a plain decimal string. Absent means 1. */
export const ATTR_USAGE_VALUE = 'usage.value';

/** On logs and spans: the caller's own id of the event, which counts once however often it comes. */
export const ATTR_USAGE_EVENT_ID = 'usage.event.id';

/**
 * On logs and spans: the signal is a usage record by hand, and this its `id`. The same record by `POST /api/v1/usage` with
 * that id is the same: whichever way they come, they count once.
 */
export const ATTR_USAGE_RECORD_ID = 'usage.record.id';

/** A log's own unique id in OpenTelemetry's conventions: the event id where {@link ATTR_USAGE_EVENT_ID} is absent. */
export const ATTR_LOG_RECORD_UID = 'log.record.uid';

/** Metrics and log events whose name begins so are claimed as usage; the rest of the name is the dimension. */
export const USAGE_METRIC_PREFIX = 'usage.';

/** Set to true by an SDK on the point into which it merged series beyond its limit, their attributes stripped. */
export const ATTR_OTEL_METRIC_OVERFLOW = 'otel.metric.overflow';

/** Name of the instrumentation scope of everything that this library records. */
export const USAGE_SCOPE_NAME = 'otel-usage-meter';

/** The unit of a dimension that names none: UCUM for "a number of things". */
export const UNIT_ONE = '1';
