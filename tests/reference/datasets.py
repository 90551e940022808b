"""Small random data sets with everything in them that real ones seldom have all at once.

make(folder, seed) writes the files of docs/RECONCILIATION.md section 1. What may occur: several
periods, weeks in which the clocks change, taps long before and after, cards and readers that change
hands, tags in homes, ids that need quoting, copies of events that contradict each other, I and O in
one second, corrections of every sort, empty files and files that are not there.
"""
import csv
import datetime
import pathlib
import random
import zoneinfo

ZONE = zoneinfo.ZoneInfo("Europe/London")
FOR_EVER = 1 << 40
MONDAYS = ["2020-10-19", "2021-03-22", "2021-10-25", "2024-02-26", "2024-12-30", "2026-03-23"]
ODD = ["", " ", ",", '"', "é", "€", "'", "/", "|", "-", "=", "\\", "𝄞", ";", "%s"]
HEADERS = {
    "period": "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc",
    "providers": "provider_id,zone,lot,tier,contract_minutes",
    "rates": "provider_id,funder,valid_from,valid_to,pence_per_hour",
    "people": "person_id,funder,zone,provider_id,double_handed",
    "carers": "carer_id,provider_id",
    "cards": "card_uid,carer_id,valid_from_utc,valid_to_utc",
    "devices": "device_id,person_id,valid_from_utc,valid_to_utc",
    "planned": "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
               "roster_carers,cancel_utc",
    "events": "recv_utc,event_id,device_id,card_uid,kind,ts_utc",
    "amendments": "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code",
    "home_tags": "tag_uid,person_id,valid_from_utc,valid_to_utc",
    "carried_readers": "device_id,carer_id,valid_from_utc,valid_to_utc",
}


def midnight(day):
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.rows = {name: [] for name in HEADERS}
        self.is_odd = self.chance(0.3)

    def chance(self, share):
        return self.random.random() < share

    def name(self, letter, number, odd=None):
        mark = self.random.choice(odd or ODD) if self.is_odd else ""
        return f"{letter}{mark}{number}"

    def make_periods(self):
        monday = datetime.date.fromisoformat(self.random.choice(MONDAYS))
        self.days = [monday]
        for number in range(self.random.choice([1, 1, 1, 2, 3])):
            last = monday + datetime.timedelta(7 * self.random.choice([1, 1, 2]))
            start, end = midnight(monday), midnight(last)
            self.rows["period"].append((self.name("R", number), monday, last, start, end,
                                        end + self.random.randrange(3 * 86400),
                                        end + self.random.randrange(3 * 86400, 12 * 86400)))
            self.days.append(last)
            monday = last
        self.start, self.end = midnight(self.days[0]), midnight(self.days[-1])

    def make_money(self):
        self.providers = [self.name("P", n) for n in range(self.random.randint(1, 3))]
        self.funders = ["LA", self.name("F", 1), self.name("F", 2)][:self.random.randint(1, 3)]
        for provider in self.providers:
            self.rows["providers"].append((provider, self.name("Z", 1), "", 1,
                                           self.random.choice([0, 1, 30, 333, 900, 4000])))
            for funder in self.funders:
                days = [self.days[0] - datetime.timedelta(self.random.randrange(40))]
                while days[-1] <= self.days[-1]:
                    days.append(days[-1] + datetime.timedelta(self.random.choice([1, 3, 7, 200])))
                for first, last in zip(days, days[1:]):
                    self.rows["rates"].append((provider, funder, first, last,
                                               self.random.choice([0, 1, 1499, 1529, 1737, 2001])))

    def make_people(self):
        self.people = [self.name("S", n) for n in range(self.random.randint(1, 5))]
        self.carers = [self.name("C", n, [odd for odd in ODD if odd != "|"])
                       for n in range(self.random.randint(1, 5))]
        for person in self.people:
            self.rows["people"].append((person, self.random.choice(self.funders), "",
                                        self.random.choice(self.providers),
                                        self.random.randrange(2)))
        for carer in self.carers:
            self.rows["carers"].append((carer, self.random.choice(self.providers)))

    def share(self, table, letter, owners):
        """Things that belong to one owner after another, with gaps now and then."""
        things = [self.name(letter, n) for n in range(len(owners))]
        for thing, owner in zip(things, owners):
            at = self.random.choice([0, 0, self.start + self.random.randrange(3 * 86400)])
            while at < FOR_EVER:
                until = FOR_EVER if self.chance(0.8) else self.instant()
                if until > at:
                    self.rows[table].append((thing, owner, at, until))
                    at = until + self.random.choice([0, 0, 1, 7200])
                owner = self.random.choice(owners)
        return things

    def make_things(self):
        self.cards = self.share("cards", "K", self.carers)
        self.devices = self.share("devices", "H", self.people)
        self.tags, self.readers = [], []
        if self.chance(0.5):
            self.tags = self.share("home_tags", "T", self.people)
            self.readers = self.share("carried_readers", "D", self.carers)

    def instant(self):
        """Anywhere in the periods, close to a quarter of an hour, or at an edge of things."""
        edge = self.random.choice([midnight(day) for day in self.days])
        return self.random.choice([
            self.random.randrange(self.start, self.end),
            self.random.randrange(self.start, self.end) // 900 * 900,
            edge + self.random.choice([-7201, -7200, -1, 0, 1, 7200, 7201, 1800, -1800, -86399]),
        ])

    def make_visits(self):
        for number in range(self.random.randrange(45)):
            start = self.instant() if self.chance(0.2) else (
                self.start + self.random.randrange((self.end - self.start) // 86400) * 86400
                + 28800 + self.random.randrange(20) * 900)
            length = self.random.choice([900, 1800, 1800, 2700, 3600, 1, 59, 61, 12600, 1799])
            roster = self.random.sample(self.carers, self.random.randint(0, min(2, len(self.carers))))
            cancel = ""
            if self.chance(0.1):
                cancel = max(0, start - self.random.choice([86399, 86400, 86401, 0, -600, 200000]))
            self.rows["planned"].append((self.name("V", number), self.random.choice(self.people),
                                         self.random.choice(self.providers), start, start + length,
                                         self.random.choice([1, 1, 1, 2, 3]), "|".join(roster),
                                         cancel))

    def tap(self, person_at, carer_at, kind, ts):
        """A tap of the carer's card at the person's device, or of the home's tag by a reader."""
        device, card = self.devices[person_at], self.cards[carer_at]
        if self.tags and self.chance(0.3):
            device, card = self.readers[carer_at], self.tags[person_at]
        if self.chance(0.03):
            device = self.random.choice(self.devices + self.readers + ["H?"])
        if self.chance(0.03):
            card = self.random.choice(self.cards + self.tags + ["K?"])
        late = self.random.choice([0, 0, 1, 40, 86400, 5 * 86400]) if self.chance(0.3) else 5
        if self.chance(0.04):
            late = self.random.choice([-299, -300, -301, -400, -90000])
        number = len(self.rows["events"])
        event = (max(0, ts + late), self.name("e", number), device, card, kind, ts)
        self.rows["events"].append(event)
        if self.chance(0.06):  # the same again, or something else under its id
            copy = list(event)
            copy[0] += self.random.choice([0, 0, 1, 86400])
            if self.chance(0.5):
                at = self.random.choice([2, 3, 4, 5])
                copy[at] = {2: self.random.choice(self.devices), 3: self.random.choice(self.cards),
                            4: self.random.choice("IO"), 5: self.instant()}[at]
            self.rows["events"].insert(self.random.randrange(number + 1), tuple(copy))

    def attend(self, person_at, carer_at, start, length):
        """Come about then, with what goes wrong."""
        offset = self.random.choice([0, 60, 300, 900, -900, 3600, 7200, -7200, 7201])
        came = max(1, start + self.random.randrange(-200, 900) + (offset if self.chance(0.2) else 0))
        left = came + max(0, length + self.random.randrange(-500, 500))
        if self.chance(0.05):
            left = came + self.random.choice([0, 1, 57600, 57601, 120])
        if self.chance(0.93):
            self.tap(person_at, carer_at, "I", came)
        for kind in "IO":
            if self.chance(0.07):
                self.tap(person_at, carer_at, kind,
                         came + self.random.choice([0, 1, 119, 120, 121, 500]))
        if self.chance(0.93):
            self.tap(person_at, carer_at, "O", left)
        if self.chance(0.07):
            again = left + self.random.choice([0, 1, 599, 600, 601])
            self.tap(person_at, carer_at, "I", again)
            self.tap(person_at, carer_at, "O", again + self.random.choice([0, 300, 900]))

    def make_taps(self):
        for visit in list(self.rows["planned"]):
            for _ in range(visit[5]):
                if self.chance(0.85):
                    carer_at = self.random.randrange(len(self.carers))
                    if visit[6] and self.chance(0.7):
                        carer_at = self.carers.index(visit[6].split("|")[0])
                    self.attend(self.people.index(visit[1]), carer_at, visit[3], visit[4] - visit[3])
        for _ in range(self.random.randrange(6)):
            self.attend(self.random.randrange(len(self.people)),
                        self.random.randrange(len(self.carers)), self.instant(), 1800)
        for _ in range(self.random.choice([0, 0, 2])):  # far away
            self.tap(0, 0, self.random.choice("IO"),
                     max(1, self.start + self.random.choice([-90, -20, -3, 60, 400]) * 86400))
        if self.chance(0.7):
            self.rows["events"].sort(key=lambda event: event[0])

    def make_amendments(self):
        events = self.rows["events"]
        for number in range(self.random.randrange(6)):
            created = self.instant() + self.random.randrange(8 * 86400)
            if self.chance(0.5) and events:
                event = self.random.choice(events)[1] if self.chance(0.9) else "nothing"
                row = ("VOID", "", "", "", "", event, "R1")
            else:
                row = ("ADD", self.random.choice(self.people), self.random.choice(self.carers),
                       self.random.choice("IO"), self.instant(), "", self.name("R", 2))
            self.rows["amendments"].append((self.name("A", number), created, *row))

    def write(self, folder):
        for name, header in HEADERS.items():
            if not self.rows[name] and name in ("home_tags", "carried_readers") and self.chance(0.7):
                continue
            columns = header.split(",")
            order = list(range(len(columns)))
            if self.chance(0.3):
                self.random.shuffle(order)
            with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator=self.random.choice(["\n", "\n", "\r\n"]),
                                    quoting=self.random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
                writer.writerow([columns[at] for at in order])
                writer.writerows([row[at] for at in order] for row in self.rows[name])


def make(folder, seed):
    """Write a data set. Returns for each period its id and as-ofs worth a run."""
    maker = Maker(seed)
    maker.make_periods()
    maker.make_money()
    maker.make_people()
    maker.make_things()
    maker.make_visits()
    maker.make_taps()
    maker.make_amendments()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    maker.write(folder)
    return [(row[0], [row[5], row[6], maker.random.choice([0, row[3] - 1, maker.instant()])])
            for row in maker.rows["period"]]
