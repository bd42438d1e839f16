{# A quantity as the column `aggregation` of its dimension says. `count` is what counts records. #}
{% macro aggregated(quantity, count) %}
    case any_value(aggregation)
        when 'sum' then sum({{ quantity }})
        when 'max' then max({{ quantity }})
        when 'min' then min({{ quantity }})
        when 'count' then ({{ count }})::decimal(38, 12)
    end
{% endmacro %}
