"""Families about times and dates, which are texts and numbers in slots."""

from __future__ import annotations

from batos.improvement.families.sketch import Draw, Sketch, families, one_of, whole


def _day(draw: Draw) -> object:
    """An ISO date."""
    return f"{draw.randint(1990, 2030)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"


def _clock_time(draw: Draw) -> object:
    return f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}"


def _part(draw: Draw) -> Sketch:
    slot = draw.choice(("date", "birthday", "due", "start"))
    selector, cut = draw.choice((("year", ":4"), ("month", "5:7"), ("day", "8:")))
    return Sketch(selector, f"return int(self.{slot}[{cut}])", {slot: _day})


def _leap(draw: Draw) -> Sketch:
    slot = draw.choice(("year", "birthYear"))
    selector = draw.choice(("isLeap", "isLeapYear", "hasLeapDay"))
    body = f"return self.{slot} % 4 == 0 and (self.{slot} % 100 != 0 or self.{slot} % 400 == 0)"
    make = one_of(1900, 2000, 2100, 2400, 1996, 2004, 2023, 2024, 1800, 2001, 1600)
    return Sketch(selector, body, {slot: make})


def _age(draw: Draw) -> Sketch:
    slot = draw.choice(("born", "birthYear", "founded", "since"))
    selector = draw.choice(("ageIn_", "yearsUntil_", "yearsBy_"))
    return Sketch(
        selector,
        f"return year - self.{slot}",
        {slot: whole(1900, 2000)},
        {"year": whole(2001, 2040)},
    )


def _total_minutes(draw: Draw) -> Sketch:
    hours, minutes = draw.choice((("hours", "minutes"), ("hour", "minute"), ("h", "m")))
    selector = draw.choice(("inMinutes", "totalMinutes", "minutesInAll"))
    body = f"return self.{hours} * 60 + self.{minutes}"
    return Sketch(selector, body, {hours: whole(0, 23), minutes: whole(0, 59)})


def _clock(draw: Draw) -> Sketch:
    hours, minutes = draw.choice((("hour", "minute"), ("hours", "minutes")))
    selector = draw.choice(("clock", "asTime", "shown"))
    body = f"return f'{{self.{hours}:02}}:{{self.{minutes}:02}}'"
    return Sketch(selector, body, {hours: whole(0, 23), minutes: whole(0, 59)})


def _duration(draw: Draw) -> Sketch:
    start, end = draw.choice((("start", "end"), ("begin", "finish"), ("opens", "closes")))
    selector = draw.choice(("hoursOvernight", "shiftHours", "hoursPastMidnight"))
    body = f"return (self.{end} - self.{start}) % 24"
    return Sketch(selector, body, {start: whole(0, 23), end: whole(0, 23)})


def _quarter(draw: Draw) -> Sketch:
    slot = draw.choice(("month", "monthNumber"))
    selector, body = draw.choice(
        (
            ("quarter", f"return (self.{slot} - 1) // 3 + 1"),
            ("halfYear", f"return (self.{slot} - 1) // 6 + 1"),
        )
    )
    return Sketch(selector, body, {slot: whole(1, 12)})


def _weekend(draw: Draw) -> Sketch:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    slot = draw.choice(("day", "weekday"))
    selector, sign = draw.choice(
        (("isWeekend", "in"), ("isFree", "in"), ("isWorkday", "not in"))
    )
    body = f"return self.{slot} {sign} ('Saturday', 'Sunday')"
    slots = {slot: one_of(*days, "Saturday", "Sunday"), "hour": whole(0, 23)}
    return Sketch(selector, body, slots)


def _earlier(draw: Draw) -> Sketch:
    slot = draw.choice(("time", "deadline", "departure"))
    selector, sign = draw.choice(
        (("isBefore_", "<"), ("isEarlierThan_", "<"), ("isAfter_", ">"))
    )
    body = f"return self.{slot} {sign} other"
    return Sketch(selector, body, {slot: _near}, {"other": _near})


def _near(draw: Draw) -> object:
    return draw.choice((_clock_time(draw), f"12:{draw.choice(('00', '05', '30'))}"))


def _next_year(draw: Draw) -> Sketch:
    selector, body = draw.choice(
        (
            ("nextYear", "return self.year + 1"),
            ("yearAfter", "return self.year + 1"),
            ("lastYear", "return self.year - 1"),
            ("yearBefore", "return self.year - 1"),
        )
    )
    return Sketch(selector, body, {"year": whole(1900, 2040)})


def _weeks(draw: Draw) -> Sketch:
    slot, selector, size = draw.choice(
        (("days", "weeks", 7), ("hours", "days", 24), ("months", "years", 12))
    )
    name = draw.choice((f"full{selector.title()}", f"whole{selector.title()}"))
    return Sketch(name, f"return self.{slot} // {size}", {slot: whole(1, 99)})


def _time_of_day(draw: Draw) -> Sketch:
    selector, sign = draw.choice(
        (("isMorning", "<"), ("isBeforeNoon", "<"), ("isAfternoon", ">="))
    )
    slots = {"hour": whole(6, 18), "minute": whole(0, 59)}
    return Sketch(selector, f"return self.hour {sign} 12", slots)


def _left_of(draw: Draw) -> Sketch:
    slot, whole_, selector = draw.choice(
        (
            ("minute", 60, "minutesLeft"),
            ("hour", 24, "hoursLeft"),
            ("month", 12, "monthsLeft"),
            ("day", 30, "daysLeft"),
        )
    )
    return Sketch(selector, f"return {whole_} - self.{slot}", {slot: whole(0, whole_ - 1)})


def _day_and_month(draw: Draw) -> Sketch:
    between = draw.choice((".", "/", "-"))
    selector = draw.choice(("dayAndMonth", "shortDate", "asDate"))
    body = f"return str(self.day) + {between!r} + str(self.month)"
    return Sketch(selector, body, {"day": whole(1, 28), "month": whole(1, 12)})


def _in_century(draw: Draw) -> Sketch:
    low = draw.choice((1900, 2000, 1800))
    slot = draw.choice(("year", "born", "built"))
    selector, sign = draw.choice(((f"isBefore{low}", "<"), (f"isAfter{low}", ">")))
    body = f"return self.{slot} {sign} {low}"
    return Sketch(selector, body, {slot: whole(low - 9, low + 9)})


DATES = families(
    "dates",
    practice=(
        _leap,
        _clock,
        _duration,
        _quarter,
        _next_year,
        _weeks,
        _day_and_month,
    ),
    final=(
        _part,
        _age,
        _total_minutes,
        _weekend,
        _earlier,
        _time_of_day,
        _left_of,
        _in_century,
    ),
)
