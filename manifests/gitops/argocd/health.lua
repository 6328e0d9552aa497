-- Argo CD's health check for EchoRoutes (argocd-cm, resource.customizations.health.echoroute.dev_EchoRoute).
-- It agrees with kstatus, by which Flux judges: Healthy is Current, Progressing is
-- InProgress, Degraded is Failed. A route without instances is Progressing, not Degraded: they may register any moment,
-- and a Degraded object ends a sync that only has to wait for them.
local function progressing(message)
  return { status = "Progressing", message = message }
end

local status = obj.status
if status == nil or status.conditions == nil then
  return progressing("waiting for the operator")
end
if status.observedGeneration ~= obj.metadata.generation then
  return progressing("waiting for the operator to see this generation")
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end

local ready = conditions["Ready"]
if ready == nil then
  return progressing("waiting for the operator")
end
local stalled = conditions["Stalled"]
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = ready.reason .. ": " .. ready.message }
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
return progressing(ready.reason .. ": " .. ready.message)
