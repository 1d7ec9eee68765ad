select
    links.case_no,
    links.project_code,
    links.project_stage,
    links.item_code,
    cases.case_no is not null as is_known
from {{ ref('int_project_cases_latest') }} as links
left join {{ ref('fct_cases') }} as cases on links.case_no = cases.case_no
