package provider_test

import "testing"

// TestOnAPlainBOS runs the acceptance tests once more, on a BOS v2 without
// extensions. Left out are those of what extensions are for: previews, pins, and
// causes of failures.
func TestOnAPlainBOS(t *testing.T) {
	withExtensions := startBOS
	t.Cleanup(func() { startBOS = withExtensions })
	startBOS = func(t *testing.T) site {
		fake := startFake(t.Cleanup, room...)
		fake.Plain()
		return fake
	}
	for name, test := range map[string]func(*testing.T){
		"AChangedTemplateRunsTheSessionAgainExactlyOnce":                 TestAChangedTemplateRunsTheSessionAgainExactlyOnce,
		"ARecordThatExpiredStaysInStateAndRunsNothing":                   TestARecordThatExpiredStaysInStateAndRunsNothing,
		"ARecordThatVanishesDuringTheWaitIsNoFailure":                    TestARecordThatVanishesDuringTheWaitIsNoFailure,
		"ARetryRunsJustTheFailedNodesAndUnsettingItRunsNothing":          TestARetryRunsJustTheFailedNodesAndUnsettingItRunsNothing,
		"ASavedPlanIsAppliedAsItWasReviewed":                             TestASavedPlanIsAppliedAsItWasReviewed,
		"ATakenNameIsRefusedWithoutATaint":                               TestATakenNameIsRefusedWithoutATaint,
		"ATemplateChangedBehindTerraformIsDriftAndRunsNoSession":         TestATemplateChangedBehindTerraformIsDriftAndRunsNoSession,
		"AWaitThatTakesTooLongIsResumedInPlace":                          TestAWaitThatTakesTooLongIsResumedInPlace,
		"AWaitThatWasInterruptedGoesOnWithoutANewSession":                TestAWaitThatWasInterruptedGoesOnWithoutANewSession,
		"AnExistingSiteIsImported":                                       TestAnExistingSiteIsImported,
		"AnImportThenAPlanChangesNothing":                                TestAnImportThenAPlanChangesNothing,
		"AnImportedSessionIsHistoryAndPlansNothing":                      TestAnImportedSessionIsHistoryAndPlansNothing,
		"AnUnknownXnameIsRefused":                                        TestAnUnknownXnameIsRefused,
		"CreatingATemplateThatExistsIsRefused":                           TestCreatingATemplateThatExistsIsRefused,
		"DestroyDeletesARecordThatIsOverAndForgetsASessionThatRuns":      TestDestroyDeletesARecordThatIsOverAndForgetsASessionThatRuns,
		"FailuresWithinMaxFailedAreOnlyMentioned":                        TestFailuresWithinMaxFailedAreOnlyMentioned,
		"ImportingASessionThatIsNotThereFails":                           TestImportingASessionThatIsNotThereFails,
		"NIDsAreWarnedAbout":                                             TestNIDsAreWarnedAbout,
		"OnFailureErrorFailsAnApplyThatResumesButNeverTheOneThatCreates": TestOnFailureErrorFailsAnApplyThatResumesButNeverTheOneThatCreates,
		"TheEndpointCanComeFromTheEnvironment":                           TestTheEndpointCanComeFromTheEnvironment,
		"TheExamplesForOtherSitesPlan":                                   TestTheExamplesForOtherSitesPlan,
		"TheOrderOfNodesAndTheDescriptionRunNothing":                     TestTheOrderOfNodesAndTheDescriptionRunNothing,
		"TheSnippetsOfTheDocsPlan":                                       TestTheSnippetsOfTheDocsPlan,
	} {
		t.Run(name, test)
	}
}
