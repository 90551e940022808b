"""The rules of docs/RECONCILIATION.md once more, as plainly as they can be written.

This is what ecm-pay is compared with. It shares nothing with it: Python's integers and time zones,
dictionaries and lists, the whole table of M4. It is slow and means to be; read it beside the rules.
"""
import collections
import csv
import datetime
import pathlib
import zoneinfo

FUTURE, BOUNCE, PAIR_MAX, MERGE_GAP, ASSUMED, MARGIN = 300, 120, 57600, 600, 1800, 7200
NOTICE, WINDOW, UNMATCHED, CARER_COST, INCOMPLETE_COST = 86400, 7200, 7200, 900, 600
UNIT, UNIT_STARTS, LATE = 900, 450, 1800
FLOOR_PERCENT, CAP_PERCENT, GUARANTEE_FUNDER = 80, 110, "LA"
NEVER, DAY = 1 << 62, 86400

Tap = collections.namedtuple("Tap", "person carer ts kind id")
OPTIONAL = ["home_tags", "carried_readers"]
REQUIRED = ["period", "providers", "rates", "people", "carers", "cards", "devices", "planned",
            "events", "amendments"]


def raw(text):
    """Ids compare as raw bytes."""
    return text.encode()


def half_up(n, d):
    return (2 * n + d) // (2 * d)


class Attendance:
    def __init__(self, tap_in, tap_out):
        tap = tap_in or tap_out
        self.person, self.carer = tap.person, tap.carer
        self.in_utc, self.in_id = (tap_in.ts, tap_in.id) if tap_in else (None, "")
        self.out_utc, self.out_id = (tap_out.ts, tap_out.id) if tap_out else (None, "")
        self.status = "OK" if tap_in and tap_out else "NO_OUT" if tap_in else "NO_IN"
        self.worked = tap_out.ts - tap_in.ts if self.status == "OK" else 0
        self.slot = None

    @property
    def anchor(self):
        return self.in_utc if self.in_utc is not None else self.out_utc - ASSUMED

    @property
    def id(self):
        return self.in_id or self.out_id


class Slot:
    def __init__(self, visit, number, status):
        self.visit, self.number, self.status = visit, number, status
        self.attendance = None
        self.start, self.end = int(visit["planned_start_utc"]), int(visit["planned_end_utc"])
        self.length = self.end - self.start
        self.roster = visit["roster_carers"].split("|")

    @property
    def units(self):
        """Model A."""
        if self.status == "CANC_SHORT":
            return self.length // UNIT
        if self.status != "OK":
            return 0
        return min((self.attendance.worked + UNIT_STARTS) // UNIT, self.length // UNIT)


class Data:
    """The files of one folder, as lists of dictionaries, and what is asked of them."""

    def __init__(self, folder, period_id=None, asof=None, zone="Europe/London"):
        for name in REQUIRED + OPTIONAL:
            path = pathlib.Path(folder) / f"{name}.csv"
            if name in OPTIONAL and not path.exists():
                setattr(self, name, [])
                continue
            with open(path, encoding="utf-8", newline="") as file:
                setattr(self, name, list(csv.DictReader(file)))
        rows = [row for row in self.period if period_id in (None, row["period_id"])]
        assert len(rows) == 1, "one period, or say which"
        self.start, self.end = int(rows[0]["start_utc"]), int(rows[0]["end_utc"])
        self.first_day = datetime.date.fromisoformat(rows[0]["start_date"])
        self.last_day = datetime.date.fromisoformat(rows[0]["end_date"]) - datetime.timedelta(1)
        if len(self.period) > 1:
            self.narrow()
        self.asof = int(rows[0]["run2_asof_utc"]) if asof is None else asof
        self.zone = zoneinfo.ZoneInfo(zone)
        self.person = {row["person_id"]: row for row in self.people}

    def narrow(self):
        """Of several periods, what bears on this one: within a day of it."""
        def bears(utc):
            return self.start - DAY <= utc <= self.end + DAY

        near = {e["event_id"] for e in self.events
                if bears(int(e["ts_utc"]))
                or (int(e["ts_utc"]) > int(e["recv_utc"]) + FUTURE and bears(int(e["recv_utc"])))}
        self.events = [e for e in self.events if e["event_id"] in near]
        self.amendments = [a for a in self.amendments
                           if a["action"] == "VOID" or bears(int(a["ts_utc"]))]

    def day(self, utc):
        return datetime.datetime.fromtimestamp(utc, self.zone).date()

    def week(self, utc):
        return (self.day(utc) - self.first_day).days // 7

    def rate(self, provider, funder, day):
        found = [int(row["pence_per_hour"]) for row in self.rates
                 if row["provider_id"] == provider and row["funder"] == funder
                 and row["valid_from"] <= day.isoformat() < row["valid_to"]]
        if not found:
            raise LookupError(f"no rate of provider {provider} for funder {funder} on {day}")
        return found[0]


# ---- section 2: taps ----------------------------------------------------------------------------

def valid(rows, key, value, who, ts):
    for row in rows:
        if row[key] == value and int(row["valid_from_utc"]) <= ts < int(row["valid_to_utc"]):
            return row[who]
    return None


def resolve(data, card_uid, device_id, ts):
    """E5: (exception, detail, person, carer)."""
    card = (valid(data.cards, "card_uid", card_uid, "carer_id", ts),
            valid(data.home_tags, "tag_uid", card_uid, "person_id", ts))
    if card == (None, None):
        return "UNKNOWN_CARD", card_uid, None, None
    device = (valid(data.carried_readers, "device_id", device_id, "carer_id", ts),
              valid(data.devices, "device_id", device_id, "person_id", ts))
    if device == (None, None):
        return "UNKNOWN_DEVICE", device_id, None, None
    card_carer, card_person = (card[0], None) if card[0] is not None else card
    device_carer, device_person = (device[0], None) if device[0] is not None else device
    if (card_carer is None) == (device_carer is None):
        return "WRONG_PAIR", "", None, None
    return None, "", card_person or device_person, card_carer or device_carer


def find_taps(data):
    """E1 to E7: the taps in order, and the exceptions on the way."""
    exceptions, taps, kept = [], [], {}
    seen = [(int(e["recv_utc"]), n, e) for n, e in enumerate(data.events)
            if int(e["recv_utc"]) <= data.asof]
    amendments = [a for a in data.amendments if int(a["created_utc"]) <= data.asof]
    voided = {a["event_id"] for a in amendments if a["action"] == "VOID"}
    for recv, n, event in sorted(seen, key=lambda row: row[:2]):
        first = kept.setdefault(event["event_id"], (n, event))
        if first[0] != n:
            same = all(event[c] == first[1][c] for c in ("device_id", "card_uid", "kind", "ts_utc"))
            exceptions.append(("DUP_ID" if same else "CONFLICT_ID", event["event_id"], recv, ""))
    for n, event in kept.values():
        recv, ts, ref = int(event["recv_utc"]), int(event["ts_utc"]), event["event_id"]
        if ref in voided:
            exceptions.append(("VOIDED", ref, ts, ""))
        elif ts > recv + FUTURE:
            exceptions.append(("CLOCK_FUTURE", ref, ts, ""))
        else:
            code, detail, person, carer = resolve(data, event["card_uid"], event["device_id"], ts)
            if code:
                exceptions.append((code, ref, ts, detail))
            else:
                taps.append(Tap(person, carer, ts, event["kind"], ref))
    for row in amendments:
        if row["action"] == "ADD":
            taps.append(Tap(row["person_id"], row["carer_id"], int(row["ts_utc"]), row["kind"],
                            row["amend_id"]))
    taps.sort(key=lambda t: (raw(t.person), raw(t.carer), t.ts, t.kind == "I", raw(t.id)))
    return taps, exceptions, len(seen)


# ---- section 3: attendances ---------------------------------------------------------------------

def pair(taps, exceptions):
    """S1 to S4 for the taps of one person and carer."""
    kept, previous, made = [], None, []
    for tap in taps:
        if previous and previous.kind == tap.kind and tap.ts - previous.ts <= BOUNCE:
            exceptions.append(("BOUNCE", tap.id, tap.ts, ""))
        else:
            kept.append(tap)
        previous = tap
    at = 0
    while at < len(kept):
        tap = kept[at]
        following = kept[at + 1] if at + 1 < len(kept) else None
        if tap.kind == "O":
            made.append(Attendance(None, tap))
        elif following and following.kind == "O" and following.ts - tap.ts <= PAIR_MAX:
            made.append(Attendance(tap, following))
            at += 1
        else:
            made.append(Attendance(tap, None))
        at += 1
    return made


def merge(attendances, exceptions):
    """S5."""
    merged = []
    for attendance in attendances:
        last = merged[-1] if merged else None
        if (last and last.status == attendance.status == "OK"
                and attendance.in_utc - last.out_utc <= MERGE_GAP):
            exceptions.append(("MERGED", attendance.in_id, attendance.in_utc, last.in_id))
            last.out_utc, last.out_id = attendance.out_utc, attendance.out_id
            last.worked += attendance.worked
        else:
            merged.append(attendance)
    return merged


def find_attendances(data, taps, exceptions):
    by_pair = collections.defaultdict(list)
    for tap in taps:
        by_pair[tap.person, tap.carer].append(tap)
    found = []
    for group in by_pair.values():
        for attendance in merge(pair(group, exceptions), exceptions):
            if data.start - MARGIN <= attendance.anchor <= data.end + MARGIN:  # S6
                found.append(attendance)
                if attendance.status != "OK":
                    ts = attendance.in_utc if attendance.in_id else attendance.out_utc
                    exceptions.append((attendance.status, attendance.id, ts, ""))
    found.sort(key=lambda a: (raw(a.person), a.anchor, raw(a.carer), raw(a.id)))
    return found


# ---- section 4: slots and matching --------------------------------------------------------------

def find_slots(data):
    slots = []
    for visit in data.planned:
        start = int(visit["planned_start_utc"])
        if not data.start <= start < data.end:
            continue
        cancel = int(visit["cancel_utc"] or NEVER)
        status = "MISSED"
        if cancel <= data.asof:  # P1
            status = "CANC_NOTICE" if cancel <= start - NOTICE else "CANC_SHORT"
        for number in range(1, int(visit["carers_required"]) + 1):
            slots.append(Slot(visit, number, status))
    slots.sort(key=lambda s: (raw(s.visit["person_id"]), s.start, s.end, raw(s.visit["visit_id"]),
                              s.number))
    return slots


def cost(slot, attendance):
    """M3: the sum and its four parts."""
    ds = abs(attendance.anchor - slot.start)
    dd = abs(attendance.worked - slot.length) // 2 if attendance.status == "OK" else 0
    pc = 0 if attendance.carer in slot.roster else CARER_COST
    pi = 0 if attendance.status == "OK" else INCOMPLETE_COST
    return ds + dd + pc + pi, ds, dd, pc, pi


def match(slots, attendances):
    """M4 as it is written, then M6: pairs of indexes."""
    n, m = len(slots), len(attendances)
    f = [[0] * (m + 1) for _ in range(n + 1)]

    def paired(i, j):
        if i == n or j == m or abs(attendances[j].anchor - slots[i].start) > WINDOW:
            return None
        return cost(slots[i], attendances[j])[0] + f[i + 1][j + 1]

    for i in range(n, -1, -1):
        for j in range(m, -1, -1):
            choices = [paired(i, j)]
            choices.append(UNMATCHED + f[i + 1][j] if i < n else None)
            choices.append(UNMATCHED + f[i][j + 1] if j < m else None)
            f[i][j] = min((c for c in choices if c is not None), default=0)
    i = j = 0
    while i < n or j < m:
        skip_slot = i < n and UNMATCHED + f[i + 1][j] == f[i][j]
        skip_attendance = j < m and UNMATCHED + f[i][j + 1] == f[i][j]
        slot_is_first = i < n and j < m and slots[i].start <= attendances[j].anchor
        if paired(i, j) == f[i][j]:
            yield i, j
            i, j = i + 1, j + 1
        elif skip_slot and (slot_is_first or not skip_attendance):
            i += 1
        else:
            assert skip_attendance
            j += 1


def match_people(slots, attendances):
    for person in {s.visit["person_id"] for s in slots}:
        own = [s for s in slots if s.visit["person_id"] == person and s.status == "MISSED"]
        there = [a for a in attendances if a.person == person]
        for i, j in list(match(own, there)):
            own[i].attendance, there[j].slot = there[j], own[i]
            own[i].status = {"OK": "OK", "NO_OUT": "HELD_NO_OUT",
                             "NO_IN": "HELD_NO_IN"}[there[j].status]  # M7
    holders = collections.defaultdict(set)
    for slot in slots:  # M8: numbers rise within a visit
        if slot.attendance:
            if slot.attendance.carer in holders[slot.visit["visit_id"]]:
                slot.status = "SAME_CARER"
            holders[slot.visit["visit_id"]].add(slot.attendance.carer)


# ---- section 5: payment models ------------------------------------------------------------------

def pay_a(data, slots):
    units = collections.Counter()
    for slot in slots:
        if slot.units:
            person = data.person[slot.visit["person_id"]]
            rate = data.rate(slot.visit["provider_id"], person["funder"], data.day(slot.start))
            units[slot.visit["provider_id"], person["funder"], person["person_id"],
                  data.week(slot.start), rate] += slot.units
    return [(*line, n, half_up(n * line[-1], 4)) for line, n in units.items()]


def pay_b(data, slots, attendances):
    planned, credit, delivered = (collections.Counter() for _ in range(3))
    for slot in slots:
        key = slot.visit["person_id"], data.week(slot.start)
        if slot.status != "CANC_NOTICE":
            planned[key] += slot.length
        if slot.status == "CANC_SHORT":
            credit[key] += slot.length
    for attendance in attendances:
        if attendance.status == "OK" and data.start <= attendance.anchor < data.end:
            delivered[attendance.person, data.week(attendance.anchor)] += attendance.worked
    lines = []
    for key, planned_s in planned.items():
        minutes = half_up(min(delivered[key] + credit[key], planned_s), 60)
        if minutes == 0:
            continue
        person, monday = data.person[key[0]], data.first_day + datetime.timedelta(7 * key[1])
        rate = data.rate(person["provider_id"], person["funder"], monday)
        lines.append((person["provider_id"], person["funder"], *key, rate, minutes,
                      half_up(minutes * rate, 60), planned_s, delivered[key], credit[key]))
    return lines


def pay_c(data, slots):
    lines = []
    base = collections.defaultdict(collections.Counter)
    for slot in slots:
        if slot.status in ("OK", "HELD_NO_OUT", "HELD_NO_IN", "CANC_SHORT") and slot.length >= 60:
            provider, funder = slot.visit["provider_id"], data.person[slot.visit["person_id"]]["funder"]
            base[provider][funder, data.rate(provider, funder, data.day(slot.start))] += slot.length // 60
    for row in data.providers:
        provider, contract = row["provider_id"], int(row["contract_minutes"])
        total = sum(base[provider].values())
        low, high = -(-contract * FLOOR_PERCENT // 100), contract * CAP_PERCENT // 100
        found = [[*key, "PLANNED", minutes] for key, minutes in base[provider].items()]
        if total > high:
            for line in found:
                line[2], line[3] = "CAPPED", base[provider][line[0], line[1]] * high // total
            left = high - sum(line[3] for line in found)
            found.sort(key=lambda l: (-(base[provider][l[0], l[1]] * high % total), raw(l[0]), l[1]))
            for line in found[:left]:
                line[3] += 1
        elif total < low:
            found.append([GUARANTEE_FUNDER, data.rate(provider, GUARANTEE_FUNDER, data.last_day),
                          "GUARANTEE", low - total])
        lines += [(provider, funder, rate, kind, minutes, half_up(minutes * rate, 60), contract,
                   low, high, total) for funder, rate, kind, minutes in found if minutes]
    return lines


# ---- section 7: outputs -------------------------------------------------------------------------

COLUMNS = {
    "sessions.csv": "person_id,carer_id,in_utc,out_utc,in_id,out_id,status,worked_s",
    "slots.csv": "visit_id,slot,person_id,provider_id,planned_start_utc,planned_end_utc,status,"
                 "carer_id,in_utc,out_utc,worked_s,cost,ds,dd,pc,pi,unitsA",
    "exceptions.csv": "code,ref,ts_utc,detail",
    "unplanned.csv": "person_id,carer_id,in_utc,out_utc,status,worked_s",
    "payA.csv": "provider_id,funder,person_id,week,pence_per_hour,units,pence",
    "payB.csv": "provider_id,funder,person_id,week,pence_per_hour,minutes,pence,planned_s,"
                "delivered_s,credit_s",
    "payC.csv": "provider_id,funder,pence_per_hour,kind,minutes,pence,contract_min,floor_min,"
                "cap_min,base_min",
}


def slot_row(slot):
    visit, a = slot.visit, slot.attendance
    found = (a.carer, a.in_utc, a.out_utc, a.worked, *cost(slot, a)) if a else ("",) * 9
    return (visit["visit_id"], slot.number, visit["person_id"], visit["provider_id"], slot.start,
            slot.end, slot.status, *found, slot.units)


def roundings(slots):
    """Minutes that other ways of rounding would have come to."""
    sums = collections.Counter(ceil=0, floor=0, minute=0, nearest=0, nearest_uncapped=0)
    for slot in slots:
        if slot.status == "OK":
            worked, units = slot.attendance.worked, slot.length // UNIT
            sums["ceil"] += 15 * min(-(-worked // UNIT), units)
            sums["floor"] += 15 * min(worked // UNIT, units)
            sums["nearest"] += 15 * min((worked + UNIT // 2) // UNIT, units)
            sums["nearest_uncapped"] += 15 * ((worked + UNIT // 2) // UNIT)
            sums["minute"] += min(half_up(worked, 60), slot.length // 60)
    return dict(sums)


def totals(data, slots, attendances, exceptions, pay, visible):
    found = {"asof": data.asof, "events_visible": visible, "slots": len(slots),
             "status": dict(collections.Counter(s.status for s in slots)),
             "exceptions": dict(collections.Counter(e[0] for e in exceptions)),
             "planned_s": sum(s.length for s in slots),
             "delivered_s": sum(a.worked for a in attendances
                                if a.status == "OK" and data.start <= a.anchor < data.end),
             "late_over_30": sum(s.status == "OK" and s.attendance.in_utc - s.start > LATE
                                 for s in slots),
             "rounding_minutes": roundings(slots)}
    for model, quantity, at, pence_at, funder_at in (("A", "A_units", 5, 6, 1),
                                                     ("B", "B_minutes", 5, 6, 1),
                                                     ("C", "C_minutes", 4, 5, 1)):
        by = collections.Counter()
        for line in pay[model]:
            by[f"{line[0]}/{line[funder_at]}"] += line[pence_at]
        found[f"{model}_by"] = dict(by)
        found[quantity] = sum(line[at] for line in pay[model])
        found[f"{model}_pence"] = sum(line[pence_at] for line in pay[model])
    return found


def run(folder, period_id=None, asof=None, zone="Europe/London"):
    """Every file of a run: its name to the set of its rows as texts, and totals.json (no hashes)."""
    data = Data(folder, period_id, asof, zone)
    taps, exceptions, visible = find_taps(data)
    attendances = find_attendances(data, taps, exceptions)
    slots = find_slots(data)
    match_people(slots, attendances)
    unplanned = [a for a in attendances if not a.slot and data.start <= a.anchor < data.end]
    pay = {"A": pay_a(data, slots), "B": pay_b(data, slots, attendances), "C": pay_c(data, slots)}
    files = {
        "sessions.csv": [(a.person, a.carer, a.in_utc, a.out_utc, a.in_id, a.out_id, a.status,
                          a.worked) for a in attendances],
        "slots.csv": [slot_row(slot) for slot in slots],
        "exceptions.csv": exceptions,
        "unplanned.csv": [(a.person, a.carer, a.in_utc, a.out_utc, a.status, a.worked)
                          for a in unplanned],
        "payA.csv": pay["A"], "payB.csv": pay["B"], "payC.csv": pay["C"],
    }
    found = totals(data, slots, attendances, exceptions, pay, visible)
    found["unplanned"] = len(unplanned)
    return ({name: sorted(tuple("" if v is None else str(v) for v in row) for row in rows)
             for name, rows in files.items()}, found)
