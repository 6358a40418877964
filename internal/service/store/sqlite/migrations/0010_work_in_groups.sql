-- +goose Up
-- What the engine remembers of a component, in groups of one meaning each. What it
-- decides by no longer rests on last_action, which clients may write, nor on what the
-- error says. json_patch leaves out what is null.
UPDATE components SET work = json_patch('{}', json_object(
    'flight', json_object('kind', work ->> '$.in_flight', 'at', work ->> '$.flight_at', 'unanswered', work -> '$.unanswered'),
    'attempt', json_object(
        'kind', CASE WHEN work ->> '$.action_at' IS NOT NULL THEN CASE document ->> '$.last_action.action'
            WHEN 'powering_on' THEN 'power_on'
            WHEN 'powering_off_gracefully' THEN 'power_off_graceful'
            WHEN 'powering_off_forcefully' THEN 'power_off_forceful' END END,
        'at', work ->> '$.action_at',
        'failed', CASE WHEN work ->> '$.action_at' IS NOT NULL THEN document -> '$.last_action.failed' END,
        'resent', work -> '$.resent', 'prepared', work -> '$.consumed', 'answer', work ->> '$.answer'),
    'prepared', work -> '$.prepared',
    'back_off', json_object('until', work ->> '$.retry_at', 'setbacks', work -> '$.setbacks'),
    'misses', json_object('lost', work -> '$.lost', 'unanswered', work -> '$.unheard', 'excused', work -> '$.excused', 'configuration', work -> '$.refusals'),
    'patience', json_object('silent', work -> '$.silent_for', 'deferred', work -> '$.turned_away_for', 'graceful', work -> '$.soft_for', 'missing', work -> '$.missing_for'),
    'waiting', json_object(
        'for', CASE WHEN work ->> '$.gate' <> '' THEN work ->> '$.gate'
            WHEN work ->> '$.hold' LIKE 'waiting for the configuration service: %' THEN 'configuration'
            WHEN work ->> '$.hold' <> '' THEN 'back_off' END,
        'cause', CASE WHEN work ->> '$.hold' <> '' AND work ->> '$.gate' IS NULL THEN work ->> '$.cause' END),
    'wait_in_error', CASE WHEN work ->> '$.hold' <> '' AND work ->> '$.hold' = document ->> '$.error' THEN json('true') END,
    'stopped_at', work ->> '$.stopped_at', 'cause', work ->> '$.cause', 'no_graceful', work -> '$.no_graceful', 'applied', work ->> '$.applied'))
WHERE work <> '{}';
