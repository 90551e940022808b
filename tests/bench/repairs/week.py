"""A week whose true presence is known: who was where from when to when, and which taps were forgotten.

Nothing here knows the rules of reconciliation. People come late, stay shorter, stand in for each other,
come twice, do not come; the plan is what it is. Taps are what is left of the truth when some of them
are forgotten, and the gateway's own rule (repairs_kinds) says which are arriving and which leaving.
"""
import csv
import random
import subprocess

MINUTE, HOUR, DAY = 60, 3600, 86400
START = 1614556800  # Monday 2021-03-01 00:00, no clock change in that week
DAYS = 7
AS_OF = START + 17 * DAY
FOR_EVER = 4102444800
RATES = {("P1", "LA"): 1658, ("P1", "NHS"): 1701, ("P2", "LA"): 1594, ("P2", "NHS"): 1649}

# How the world is; shares of visits unless said otherwise.
MISSED = 0.015          # nobody comes
STAND_IN = 0.04         # a carer who was not rostered
VERY_LATE = 0.03        # 20 to 75 minutes
MOVED = 0.02            # an hour and more from the plan
VERY_SHORT = 0.03       # less than six tenths of the plan
UNPLANNED = 0.01        # of days: a visit nobody planned
SECOND_ABSENT = 0.04    # of visits for two: one comes alone
SECOND_APART = 0.10     # of visits for two: the second comes or goes at another time
STAYS = 0.60            # of visits back to back: one tap in, one out; else taps between them too
LEAVES_EARLY = 0.08     # of visits back to back: the second is not done
OTHER_CARER = 0.04      # of visits back to back: another carer does the second
DOUBLE_TAP = 0.02       # of taps: once more within a minute


class Visit:
    """One planned visit, and who was really there: a list of [carer, from, to]."""

    def __init__(self, visit_id, home, start, length, carers):
        self.visit_id = visit_id
        self.home = home
        self.start = start
        self.end = start + length
        self.carers = carers
        self.there = []


class Home:
    def __init__(self, number, rng, double_share):
        self.number = number
        self.person = f"p{number:04d}"
        self.device = f"GW-{number:04d}"
        self.provider = rng.choice(["P1", "P2"])
        self.funder = "NHS" if rng.random() < 0.2 else "LA"
        self.is_double = rng.random() < double_share
        self.team = [f"c{number:04d}{letter}" for letter in "ABCDE"]  # E only stands in
        self.pace = min(max(rng.gauss(0.95, 0.06), 0.75), 1.1)  # of the planned length
        self.visits = []
        self.taps = []  # (time, carer)
        self.unplanned_s = 0


def between(rng, low, high):
    return rng.randrange(low // (5 * MINUTE), high // (5 * MINUTE) + 1) * 5 * MINUTE


def plan_home(home, rng, back_to_back):
    """Morning, lunch, tea, bed; two shifts; here and there a second visit right behind the first."""
    times = [between(rng, 7 * HOUR, 9 * HOUR), between(rng, 11 * HOUR + 1800, 13 * HOUR),
             between(rng, 16 * HOUR + 1800, 17 * HOUR + 1800),
             between(rng, 19 * HOUR + 1800, 21 * HOUR)]
    lengths = [rng.choice([15, 30, 30, 30, 45, 60]) * MINUTE for _ in times]
    tails = [rng.choice([15, 30, 30, 45]) * MINUTE if rng.random() < back_to_back else 0
             for _ in times]
    for day in range(DAYS):
        early, late = rng.sample(home.team[:4], 2), rng.sample(home.team[:4], 2)
        for part, (time, length, tail) in enumerate(zip(times, lengths, tails)):
            carers = (early if part < 2 else late)[:2 if home.is_double else 1]
            start = START + day * DAY + time
            for offset, size in ((0, length), (length, tail)):
                if size:
                    name = f"V{home.number:04d}{day}{part}{'b' if offset else 'a'}"
                    home.visits.append(Visit(name, home, start + offset, size, carers))


def late_by(rng):
    roll = rng.random()
    if roll < VERY_LATE:
        return rng.randrange(20 * MINUTE, 75 * MINUTE)
    if roll < VERY_LATE + MOVED:
        return rng.choice([-1, 1]) * rng.randrange(60 * MINUTE, 100 * MINUTE)
    return int(rng.gauss(4 * MINUTE, 7 * MINUTE))


def stay(rng, home, length):
    if rng.random() < VERY_SHORT:
        return int(length * rng.uniform(0.3, 0.6))
    return max(int(length * home.pace * rng.gauss(1, 0.07)), 3 * MINUTE)


def attend(home, rng, visit, arrival, length):
    """Who was there for one visit, each with their own taps."""
    carers = list(visit.carers)
    if rng.random() < STAND_IN:
        carers[0] = home.team[4]
    if len(carers) == 2 and rng.random() < SECOND_ABSENT:
        carers.pop()
    for number, carer in enumerate(carers):
        begin, end = arrival, arrival + length
        if number == 1:
            begin += rng.randrange(-2 * MINUTE, 2 * MINUTE)
            end += rng.randrange(-2 * MINUTE, 2 * MINUTE)
            if rng.random() < SECOND_APART:
                begin += rng.randrange(0, 15 * MINUTE)
                end += rng.randrange(-10 * MINUTE, 5 * MINUTE)
        end = max(end, begin + 3 * MINUTE)
        visit.there.append((carer, begin, end))
    return carers


def live_through(home, rng):
    """What really happened at one home, and the taps that should have been."""
    previous = None  # the visit before, when it lies right before this one and was attended
    free = {}        # carer: not again before
    for visit in home.visits:
        length = stay(rng, home, visit.end - visit.start)
        follows = previous is not None and previous.end == visit.start and previous.there
        roll = rng.random()
        previous = visit
        if follows and roll < LEAVES_EARLY:
            continue
        if follows and roll >= LEAVES_EARLY + OTHER_CARER:
            stay_on(home, rng, visit, length, free)
            continue
        if rng.random() < MISSED:
            continue
        if follows:
            others = [c for c in home.team[:4] if c not in visit.carers]
            visit_carers, visit.carers = visit.carers, others[:len(visit.carers)]
            attend(home, rng, visit, visit.start + late_by(rng) // 2, length)
            visit.carers = visit_carers
        else:
            attend(home, rng, visit, visit.start + late_by(rng), length)
        keep_apart(visit, free)
        for carer, begin, end in visit.there:
            home.taps += [(begin, carer, "I"), (end, carer, "O")]
    for day in range(DAYS):
        if rng.random() < UNPLANNED:
            begin = START + day * DAY + rng.randrange(14 * HOUR, 15 * HOUR)
            length = rng.randrange(10 * MINUTE, 40 * MINUTE)
            home.unplanned_s += length
            home.taps += [(begin, home.team[4], "I"), (begin + length, home.team[4], "O")]


def keep_apart(visit, free):
    """Nobody is twice in one home: who comes again comes a quarter of an hour later."""
    moved = []
    for carer, begin, end in visit.there:
        shift = max(free.get(carer, 0) - begin, 0)
        moved.append((carer, begin + shift, end + shift))
        free[carer] = end + shift + 15 * MINUTE
    visit.there = moved


def stay_on(home, rng, visit, length, free):
    """The carers of the visit before stay on for this one."""
    before = home.visits[home.visits.index(visit) - 1]
    taps_between = rng.random() >= STAYS
    for carer, _, end in before.there:
        begin = end + (rng.randrange(1, 4) * MINUTE if taps_between else 0)
        visit.there.append((carer, begin, begin + length))
        if taps_between:
            home.taps.append((begin, carer, "I"))
        else:
            home.taps.remove((end, carer, "O"))
        home.taps.append((begin + length, carer, "O"))
        free[carer] = begin + length + 15 * MINUTE


def make(homes, seed, back_to_back=0.2, double_share=0.15):
    """The truth of a week; the same seed always gives the same, whatever is forgotten then."""
    made = []
    for number in range(1, homes + 1):
        rng = random.Random(f"{seed} home {number}")
        home = Home(number, rng, double_share)
        plan_home(home, rng, back_to_back)
        live_through(home, rng)
        made.append(home)
    return made


# ---- taps ------------------------------------------------------------------------------------------


def remember(homes, seed, forget_out, forget_in):
    """The taps that were made: (time, home, carer), by time."""
    left = []
    for home in homes:
        rng = random.Random(f"{seed} taps {home.number} {forget_out} {forget_in}")
        for time, carer, kind in sorted(home.taps):
            if rng.random() < (forget_out if kind == "O" else forget_in):
                continue
            left.append((time, home, carer))
            if rng.random() < DOUBLE_TAP:
                left.append((time + rng.randrange(3, MINUTE), home, carer))
    return sorted(left, key=lambda tap: (tap[0], tap[1].number, tap[2]))


def decide_kinds(taps, limit_h, tool):
    cards = {}
    lines = "".join(f"{home.number} {cards.setdefault(carer, len(cards) + 1)} {time}\n"
                    for time, home, carer in taps)
    done = subprocess.run([tool, str(limit_h)], input=lines, capture_output=True, text=True,
                          check=True)
    return done.stdout.split()


# ---- files -----------------------------------------------------------------------------------------


def write_table(folder, name, header, rows):
    with open(folder / name, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def card_of(carer):
    return f"04{int.from_bytes(carer.encode()[1:], 'big'):010X}"


def write(folder, homes, taps, kinds):
    """A folder that ecm-pay reads."""
    folder.mkdir(parents=True, exist_ok=True)
    carers = [(carer, home.provider) for home in homes for carer in home.team]
    planned_min = {"P1": 0, "P2": 0}
    for home in homes:
        for visit in home.visits:
            planned_min[home.provider] += (visit.end - visit.start) // 60 * len(visit.carers)
    write_table(folder, "period.csv",
                "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc",
                [("W", "2021-03-01", "2021-03-08", START, START + 7 * DAY, AS_OF, AS_OF)])
    write_table(folder, "providers.csv", "provider_id,zone,lot,tier,contract_minutes",
                [(provider, "N", 1, 1, minutes) for provider, minutes in planned_min.items()])
    write_table(folder, "rates.csv", "provider_id,funder,valid_from,valid_to,pence_per_hour",
                [(*key, "2020-04-01", "2022-04-01", rate) for key, rate in RATES.items()])
    write_table(folder, "people.csv", "person_id,funder,zone,provider_id,double_handed",
                [(h.person, h.funder, "N", h.provider, int(h.is_double)) for h in homes])
    write_table(folder, "carers.csv", "carer_id,provider_id", carers)
    write_table(folder, "cards.csv", "card_uid,carer_id,valid_from_utc,valid_to_utc",
                [(card_of(carer), carer, 0, FOR_EVER) for carer, _ in carers])
    write_table(folder, "devices.csv", "device_id,person_id,valid_from_utc,valid_to_utc",
                [(h.device, h.person, 0, FOR_EVER) for h in homes])
    write_table(folder, "planned.csv",
                "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
                "roster_carers,cancel_utc",
                [(v.visit_id, h.person, h.provider, v.start, v.end, len(v.carers),
                  "|".join(v.carers), "") for h in homes for v in h.visits])
    write_table(folder, "events.csv", "recv_utc,event_id,device_id,card_uid,kind,ts_utc",
                [(time + 7, f"{home.device}-{number:06d}", home.device, card_of(carer), kind, time)
                 for number, ((time, home, carer), kind) in enumerate(zip(taps, kinds), 1)])
    write_table(folder, "amendments.csv",
                "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code", [])
