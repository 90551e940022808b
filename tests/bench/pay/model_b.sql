-- Model B (docs/RECONCILIATION.md section 5) from the imported tables, in the SQL that sqlite3,
-- PostgreSQL and DuckDB all understand. {asof}: an instant; hour: every hour of the period with its
-- local week; week: its weeks with their Mondays; floor_div(): whole division, as the database has it.
-- Result: one row, minutes and pence.
--
-- It does what model B needs and no more: E1 to E6, S1 to S5, P1. No matching, no explanation, no file.
with
seen as (
    select e.*, row_number() over (partition by event_id order by recv_utc, arrival) as copy
    from events e where recv_utc <= {asof}),
kept as (
    select * from seen s where copy = 1 and ts_utc <= recv_utc + 300
    and not exists (select 1 from amendments a where a.action = 'VOID' and a.event_id = s.event_id
                    and a.created_utc <= {asof})),
tap as (
    select d.person_id, c.carer_id, k.ts_utc, k.kind, k.event_id as tap_id
    from kept k
    join cards c on c.card_uid = k.card_uid
        and k.ts_utc >= c.valid_from_utc and k.ts_utc < c.valid_to_utc
    join devices d on d.device_id = k.device_id
        and k.ts_utc >= d.valid_from_utc and k.ts_utc < d.valid_to_utc
    union all
    select person_id, carer_id, ts_utc, kind, amend_id
    from amendments where action = 'ADD' and created_utc <= {asof}),
before as (
    select t.*, lag(kind) over pair as kind_before, lag(ts_utc) over pair as ts_before
    from tap t
    window pair as (partition by person_id, carer_id order by ts_utc, kind desc, tap_id)),
good as (
    select person_id, carer_id, ts_utc, kind, tap_id from before
    where kind_before is null or kind_before <> kind or ts_utc - ts_before > 120),
beside as (
    select g.*,
        lag(kind) over pair as kind_before, lag(ts_utc) over pair as ts_before,
        lead(kind) over pair as kind_after, lead(ts_utc) over pair as ts_after,
        row_number() over pair as place
    from good g
    window pair as (partition by person_id, carer_id order by ts_utc, kind desc, tap_id)),
attendance as (
    select person_id, carer_id, place, ts_utc as in_utc, ts_after as out_utc,
        case when kind_after = 'O' and ts_after - ts_utc <= 57600 then 1 else 0 end as complete
    from beside where kind = 'I'
    union all
    select person_id, carer_id, place, null, ts_utc, 0
    from beside where kind = 'O'
    and not (coalesce(kind_before, '') = 'I' and ts_utc - coalesce(ts_before, 0) <= 57600)),
link as (
    select a.*,
        case when complete = 1 and lag(complete) over pair = 1
             and in_utc - lag(out_utc) over pair <= 600 then 0 else 1 end as begins
    from attendance a
    window pair as (partition by person_id, carer_id order by place)),
chain as (
    select l.*, sum(begins) over (partition by person_id, carer_id order by place
        rows between unbounded preceding and current row) as number
    from link l),
merged as (
    select person_id, min(in_utc) as anchor_utc, sum(out_utc - in_utc) as worked_s
    from chain where complete = 1 group by person_id, carer_id, number),
delivered as (
    select m.person_id, h.week, sum(m.worked_s) as delivered_s
    from merged m join hour h on h.hour = floor_div(m.anchor_utc, 3600)
    group by m.person_id, h.week),
planned_week as (
    select p.person_id, h.week,
        sum(case when p.cancel_utc <= {asof} and p.cancel_utc <= p.planned_start_utc - 86400 then 0
            else (p.planned_end_utc - p.planned_start_utc) * p.carers_required end) as planned_s,
        sum(case when p.cancel_utc <= {asof} and p.cancel_utc > p.planned_start_utc - 86400
            then (p.planned_end_utc - p.planned_start_utc) * p.carers_required else 0 end)
            as credit_s
    from planned p
    join hour h on h.hour = floor_div(p.planned_start_utc, 3600)
    group by p.person_id, h.week),
paid as (
    select p.person_id, p.week,
        case when coalesce(d.delivered_s, 0) + p.credit_s < p.planned_s
             then coalesce(d.delivered_s, 0) + p.credit_s else p.planned_s end as paid_s
    from planned_week p
    left join delivered d on d.person_id = p.person_id and d.week = p.week),
minutes as (
    select x.person_id, x.week, floor_div(paid_s + 30, 60) as minutes from paid x),
line as (
    select m.minutes, floor_div(m.minutes * r.pence_per_hour + 30, 60) as pence
    from minutes m
    join people s on s.person_id = m.person_id
    join week w on w.week = m.week
    join rates r on r.provider_id = s.provider_id and r.funder = s.funder
        and w.monday >= r.valid_from and w.monday < r.valid_to)
select cast(sum(minutes) as bigint) as minutes, cast(sum(pence) as bigint) as pence from line
