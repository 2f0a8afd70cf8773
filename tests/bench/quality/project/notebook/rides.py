# %%
import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean, median

DATA = Path("rides.csv")
MAX_RIDE_HOURS = 12


# %%
@dataclass(frozen=True)
class Ride:
    bike_id: str
    start_station: str
    end_station: str
    started_at: datetime
    ended_at: datetime
    distance_km: float

    @property
    def duration(self) -> timedelta:
        return self.ended_at - self.started_at

    @property
    def speed_kmh(self) -> float:
        hours = self.duration.total_seconds() / 3600
        return self.distance_km / hours


# %%
def parse_ride(row: dict[str, str]) -> Ride:
    return Ride(
        bike_id=row["bike_id"],
        start_station=row["start_station"],
        end_station=row["end_station"],
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=datetime.fromisoformat(row["ended_at"]),
        distance_km=float(row["distance_km"]),
    )


def load_rides(path: Path) -> list[Ride]:
    with path.open(newline="") as file:
        rides = [parse_ride(row) for row in csv.DictReader(file)]
    rides.sort(key=lambda ride: ride.started_at)
    return rides


# %%
rides = load_rides(DATA)
print(f"{len(rides)} rides by {len({ride.bike_id for ride in rides})} bikes")


# %%
def is_plausible(ride: Ride) -> bool:
    if ride.duration <= timedelta(0):
        return False
    if ride.duration > timedelta(hours=MAX_RIDE_HOURS):
        return False
    return 0 < ride.speed_kmh < 60


plausible = [ride for ride in rides if is_plausible(ride)]
n_dropped = len(rides) - len(plausible)
print(f"{n_dropped} rides are left out")

# %%
rides_by_hour = Counter(ride.started_at.hour for ride in plausible)
for hour, n_rides in sorted(rides_by_hour.items()):
    bar = "#" * (60 * n_rides // max(rides_by_hour.values()))
    print(f"{hour:02d} {n_rides:6d} {bar}")

# %%
durations_by_station = defaultdict(list)
for ride in plausible:
    minutes = ride.duration.total_seconds() / 60
    durations_by_station[ride.start_station].append(minutes)

for station, durations in sorted(durations_by_station.items()):
    print(f"{station:30} {mean(durations):6.1f} {median(durations):6.1f}")


# %%
def balance(rides: list[Ride]) -> dict[str, int]:
    bikes = Counter()
    for ride in rides:
        bikes[ride.start_station] -= 1
        bikes[ride.end_station] += 1
    return dict(bikes)


emptied = [(n, station) for station, n in balance(plausible).items() if n < 0]
for n_bikes, station in sorted(emptied)[:10]:
    print(f"{station:30} {n_bikes:+d}")

# %%
weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
distance_by_weekday = defaultdict(float)
for ride in plausible:
    distance_by_weekday[ride.started_at.weekday()] += ride.distance_km

for weekday, distance_km in sorted(distance_by_weekday.items()):
    print(f"{weekdays[weekday]} {distance_km:8.1f} km")
