/** Billing periods: months, from one anchor day to the next, and how they are written. (Pure.) */
import { type CalendarDate, dateIn, monthStart, timeText } from '../../format/time.ts';

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const LAST_ANCHOR = 31;

/** 2026-03 */
export function isMonth(text: string): boolean {
  return MONTH.test(text);
}

/** The month before that of a date: the latest that is over. */
export function monthBefore(today: CalendarDate): string {
  return monthStart(today, -1).slice(0, 7);
}

export function isAnchor(text: string): boolean {
  return /^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= LAST_ANCHOR;
}

/** From the anchor day of a month to that of the next; a month that has no such day ends with its last. */
export function periodOf(month: string, anchor: number): { from: CalendarDate; to: CalendarDate } {
  return { from: anchored(month, anchor), to: anchored(monthStart(`${month}-01`, 1).slice(0, 7), anchor) };
}

function anchored(month: string, anchor: number): CalendarDate {
  const [year, number] = month.split('-').map(Number);
  const days = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return `${month}-${String(Math.min(anchor, days)).padStart(2, '0')}`;
}

/** As people say it: "Mar 2026", or its first and last day. @param period instants, RFC 3339, half-open */
export function periodText({ from, to }: { from: string; to: string }, zone: string): string {
  const [first, end] = [dateIn(zone, Date.parse(from)), dateIn(zone, Date.parse(to))];
  const isMidnight = (instant: string) =>
    new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' }).format(Date.parse(instant)) ===
    '00:00:00';
  if (!isMidnight(from) || !isMidnight(to))
    return `${timeText(from, zone, 'minute')} – ${timeText(to, zone, 'minute')}`;
  if (first === monthStart(first) && end === monthStart(first, 1)) return timeText(from, zone, 'month');
  const last = timeText(Date.parse(to) - 1, zone, 'day');
  return first === end ? timeText(from, zone, 'day') : `${timeText(from, zone, 'day')} – ${last}`;
}
